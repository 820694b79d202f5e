package mocksts.junit;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;

import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.ArgumentsProvider;
import org.junit.jupiter.params.support.ParameterDeclarations;

/** Asks the server for the matrix of tokens. */
final class TestTokenMatrixProvider implements ArgumentsProvider {
    /** By JUnit from 5.13 on. */
    @Override
    public Stream<? extends Arguments> provideArguments(ParameterDeclarations parameters, ExtensionContext context) {
        return cases(context);
    }

    /** By JUnit before 5.13. */
    @Override
    @SuppressWarnings({"deprecation", "removal"})
    public Stream<? extends Arguments> provideArguments(ExtensionContext context) {
        return cases(context);
    }

    private static Stream<? extends Arguments> cases(ExtensionContext context) {
        TestTokenMatrix wanted = context.getRequiredTestMethod().getAnnotation(TestTokenMatrix.class);
        Map<String, Object> order = new LinkedHashMap<>();
        if (!wanted.clientId().isEmpty()) {
            order.put("client_id", wanted.clientId());
        }
        if (!wanted.persona().isEmpty()) {
            order.put("persona", wanted.persona());
        }
        return Environments.of(context.getRequiredTestClass())
            .tokenMatrix(wanted.audience(), order).stream().map(Arguments::of);
    }
}
