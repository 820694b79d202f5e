package mocksts.junit;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;

import mocksts.ControlException;
import mocksts.HelseIdClient;
import mocksts.HelseIdEnvironment;
import mocksts.HelseIdPerson;
import mocksts.Json;

/** What {@link MockSts} does. */
final class MockStsExtension
    implements BeforeAllCallback, AfterAllCallback, ParameterResolver, TestExecutionExceptionHandler {

    /** Refusals that a failed test shows. */
    private static final int SHOWN = 5;

    @Override
    public void beforeAll(ExtensionContext context) {
        Environments.of(context.getRequiredTestClass());
    }

    @Override
    public void afterAll(ExtensionContext context) {
        Environments.end(context.getRequiredTestClass()); // a nested class has none of its own
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        Class<?> type = parameter.getParameter().getType();
        return type == HelseIdEnvironment.class || parameter.isAnnotated(Persona.class) || parameter.isAnnotated(Client.class);
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        HelseIdEnvironment sts = Environments.of(context.getRequiredTestClass());
        Class<?> type = parameter.getParameter().getType();
        if (type == HelseIdEnvironment.class) {
            return sts;
        }
        if (parameter.isAnnotated(Persona.class)) {
            expect(type, HelseIdPerson.class, "@Persona");
            String key = parameter.findAnnotation(Persona.class).orElseThrow().value();
            return sts.persona(key.isEmpty() ? null : key);
        }
        expect(type, HelseIdClient.class, "@Client");
        return client(sts, parameter.findAnnotation(Client.class).orElseThrow());
    }

    /** A failure says what the server has refused: often that is its cause. */
    @Override
    public void handleTestExecutionException(ExtensionContext context, Throwable failure) throws Throwable {
        try {
            HelseIdEnvironment sts = Environments.of(context.getRequiredTestClass());
            List<Map<String, Object>> refused = sts.journal(Map.of("outcome", "refused", "limit", SHOWN));
            if (!refused.isEmpty()) {
                failure.addSuppressed(new RefusedByMockSts(
                    refused.stream().map(MockStsExtension::explained).collect(Collectors.joining("\n  "))));
            }
        } catch (ControlException gone) {
            failure.addSuppressed(gone);
        }
        throw failure;
    }

    /** A refused request in words: where, who, what was expected, what came, and what to do. */
    private static String explained(Map<String, Object> entry) {
        String said = entry.get("endpoint") + " of " + entry.get("client_id") + ": " + entry.get("error") + ", rule "
            + entry.get("rule");
        Object broken = Json.object(entry.get("findings")).get("broken");
        if (broken != null) {
            for (Map<String, Object> finding : Json.objects(broken)) {
                if (finding.get("rule").equals(entry.get("rule"))) {
                    return said + ": expected " + finding.get("expected") + ", not " + finding.get("observed") + ". "
                        + finding.get("remedy");
                }
            }
        }
        return said;
    }

    private static HelseIdClient client(HelseIdEnvironment sts, Client wanted) {
        Map<String, Object> members = new LinkedHashMap<>();
        if (wanted.redirectUris().length > 0) {
            members.put("redirect_uris", List.of(wanted.redirectUris()));
        }
        if (wanted.scope().length > 0) {
            members.put("scope", List.of(wanted.scope()));
        }
        return sts.client(wanted.value().isEmpty() ? UUID.randomUUID().toString() : wanted.value(), members);
    }

    private static void expect(Class<?> given, Class<?> wanted, String annotation) {
        if (given != wanted) {
            throw new ParameterResolutionException(
                "a parameter with " + annotation + " is a " + wanted.getName() + ", not a " + given.getName());
        }
    }

    /** What the server has refused lately in the environment of the test, the newest first. */
    static final class RefusedByMockSts extends Exception {
        private static final long serialVersionUID = 1;

        RefusedByMockSts(String entries) {
            super("refused by Mock HelseID STS:\n  " + entries, null, false, false);
        }
    }
}
