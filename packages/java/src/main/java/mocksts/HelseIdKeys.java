package mocksts;

import java.util.List;
import java.util.Map;

/** The keys that tokens are signed with, each a map: kid, algorithm, state (next, active, retired) and the like. */
public final class HelseIdKeys {
    private final ControlApi control;

    HelseIdKeys(ControlApi control) {
        this.control = control;
    }

    /** All keys, the newest first. */
    public List<Map<String, Object>> list() {
        return Json.objects(control.call("GET", "/keys").get("items"));
    }

    /** The key that signs. */
    public Map<String, Object> active() {
        return list().stream().filter(key -> "active".equals(key.get("state"))).findFirst().orElseThrow();
    }

    /** Let a new key sign from now on; that key. The one before stays in the key set until it is retired. */
    public Map<String, Object> rotate() {
        return rotate(Map.of());
    }

    /** Let another key sign: the one with {@code kid}, or a new one ({@code algorithm}, {@code bits}). */
    public Map<String, Object> rotate(Map<String, ?> wanted) {
        return Json.object(control.call("POST", "/keys/rotate", wanted).get("active"));
    }

    /** Take a key out of the key set. */
    public Map<String, Object> retire(String kid) {
        return control.call("POST", "/keys/" + ControlApi.segment(kid) + "/retire");
    }

    /** Show a key in the key set. */
    public Map<String, Object> publish(String kid) {
        return control.call("POST", "/keys/" + ControlApi.segment(kid) + "/publish");
    }
}
