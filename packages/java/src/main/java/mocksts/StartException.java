package mocksts;

import java.util.List;

/** No server could be started or found. */
public class StartException extends MockStsException {
    private static final long serialVersionUID = 1;

    StartException(String message, List<String> log) {
        super(message, log);
    }
}
