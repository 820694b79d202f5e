package mocksts;

import java.util.Map;

/** A fault that was ordered; {@link #close} removes it. */
public final class HelseIdFault implements AutoCloseable {
    private final ControlApi control;
    private final Map<String, Object> rule;

    HelseIdFault(ControlApi control, Map<String, Object> rule) {
        this.control = control;
        this.rule = rule;
    }

    /** The rule, as the server has it. */
    public Map<String, Object> rule() {
        return rule;
    }

    @Override
    public void close() {
        control.call("DELETE", "/faults/" + ControlApi.segment(String.valueOf(rule.get("id"))));
    }
}
