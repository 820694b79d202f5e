package mocksts;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;

/** The clock that ages what an environment keeps: codes, sessions, refresh tokens. Access tokens stay on real time. */
public final class HelseIdClock {
    private final ControlApi control;

    HelseIdClock(ControlApi control) {
        this.control = control;
    }

    /** The environment's time. */
    public Instant now() {
        return Instant.parse((String) state().get("now"));
    }

    /** What the server says of it: wall, now, offset, frozen. */
    public Map<String, Object> state() {
        return control.call("GET", "/clock");
    }

    /** Move it on; the time after that. */
    public Instant advance(Duration duration) {
        return move(Map.of("advance", written(duration)));
    }

    /** Set it to a moment. */
    public Instant set(Instant time) {
        return move(Map.of("set", time.toString()));
    }

    /** Have it be ahead of the real time by so much. */
    public Instant offset(Duration duration) {
        return move(Map.of("offset", written(duration)));
    }

    /** Let it stand still. */
    public Instant freeze() {
        return move(Map.of("freeze", true));
    }

    /** Let it go on from where it stands. */
    public Instant goOn() {
        return move(Map.of("freeze", false));
    }

    /** The real time again. */
    public Instant reset() {
        return move(Map.of("reset", true));
    }

    private Instant move(Map<String, Object> body) {
        return Instant.parse((String) control.call("POST", "/clock", body).get("now"));
    }

    private static String written(Duration duration) {
        return duration.isNegative() ? "-" + duration.negated() : duration.toString();
    }
}
