package mocksts.junit;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import mocksts.HelseIdEnvironment;
import mocksts.MockStsException;
import mocksts.MockStsServer;

/** The environment of each class with {@link MockSts}, made when it is first asked for. */
public final class Environments {
    private static final Map<Class<?>, HelseIdEnvironment> MADE = new ConcurrentHashMap<>();

    private Environments() {
    }

    /**
     * The class that {@link MockSts} stands on: {@code test}, or a class around it; null where there is none.
     */
    public static Class<?> annotated(Class<?> test) {
        for (Class<?> at = test; at != null; at = at.getEnclosingClass()) {
            if (at.isAnnotationPresent(MockSts.class)) {
                return at;
            }
        }
        return null;
    }

    /** The environment of a test class. */
    public static HelseIdEnvironment of(Class<?> test) {
        Class<?> owner = annotated(test);
        if (owner == null) {
            throw new MockStsException(test.getName() + " has no environment: put @MockSts on the class.");
        }
        MockSts wanted = owner.getAnnotation(MockSts.class);
        if (wanted.sharedEnvironment()) {
            if (wanted.settings().length > 0) {
                throw new MockStsException("settings on " + owner.getName()
                    + " would change the environment of other tests: leave out sharedEnvironment, or the settings.");
            }
            return MockStsServer.shared();
        }
        return MADE.computeIfAbsent(owner, key -> MockStsServer.shared().environment(order(wanted)));
    }

    /** End the environment of a class, where it has one. */
    static void end(Class<?> test) {
        HelseIdEnvironment made = MADE.remove(test);
        if (made != null) {
            made.close();
        }
    }

    private static Map<String, Object> order(MockSts wanted) {
        Map<String, Object> settings = new LinkedHashMap<>();
        for (String setting : wanted.settings()) {
            int at = setting.indexOf('=');
            if (at < 1) {
                throw new MockStsException("the setting \"" + setting + "\" has no value; write enforcement=strict");
            }
            settings.put(setting.substring(0, at).strip(), value(setting.substring(at + 1).strip()));
        }
        return settings.isEmpty() ? Map.of() : Map.of("settings", settings);
    }

    private static Object value(String text) {
        if (text.matches("-?\\d{1,18}")) {
            return Long.valueOf(text);
        }
        return text.equals("true") || text.equals("false") ? (Object) Boolean.valueOf(text) : text;
    }
}
