package mocksts;

import java.util.List;
import java.util.Map;

/** The server refuses, or does not answer. */
public class ControlException extends MockStsException {
    private static final long serialVersionUID = 1;

    /** Why there is no good answer. */
    public enum Reason {
        /** The server's own words say what is wrong. */
        REFUSED,
        /** Nothing answers at the address. */
        NO_ANSWER,
        /** The environment was deleted, or was idle for too long. */
        NO_ENVIRONMENT,
        /** The server has no such path: it is older than this library. */
        OLDER_SERVER,
        /** Something else answers at the address. */
        ANOTHER_SERVER
    }

    private final Reason reason;
    private final int status;
    private final transient Map<String, Object> problem;

    ControlException(Reason reason, String message, int status, Map<String, Object> problem, List<String> log) {
        super(message, log);
        this.reason = reason;
        this.status = status;
        this.problem = problem;
    }

    public Reason reason() {
        return reason;
    }

    /** The status of the answer; 0 for none. */
    public int status() {
        return status;
    }

    /** The problem document (RFC 9457): {@code detail}, {@code member} and the like. */
    public Map<String, Object> problem() {
        return problem == null ? Map.of() : problem;
    }
}
