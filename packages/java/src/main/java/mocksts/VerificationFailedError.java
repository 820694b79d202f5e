package mocksts;

import java.util.Map;

/** What was verified is otherwise; the message has a sentence for each expectation that does not hold. */
public class VerificationFailedError extends AssertionError {
    private static final long serialVersionUID = 1;

    private final transient Map<String, Object> answer;

    VerificationFailedError(String message, Map<String, Object> answer) {
        super(message);
        this.answer = answer;
    }

    /** The server's answer. */
    public Map<String, Object> answer() {
        return answer == null ? Map.of() : answer;
    }
}
