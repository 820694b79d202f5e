package mocksts;

import java.util.List;

/** What goes wrong here; the message says what to do about it. */
public class MockStsException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient List<String> log;

    public MockStsException(String message) {
        this(message, List.of());
    }

    MockStsException(String message, List<String> log) {
        super(log.isEmpty() ? message : message + "\nThe last lines of the server's log:\n  " + String.join("\n  ", log));
        this.log = List.copyOf(log);
    }

    /** The last lines of the server's log; empty where another process has started it. */
    public List<String> log() {
        return log == null ? List.of() : log;
    }
}
