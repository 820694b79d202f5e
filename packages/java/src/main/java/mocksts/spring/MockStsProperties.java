package mocksts.spring;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

import mocksts.HelseIdEnvironment;

import org.springframework.test.context.DynamicPropertyRegistry;

/** The properties by which Spring Security finds its issuer and the issuer's endpoints. */
public final class MockStsProperties {
    private static final String RESOURCE_SERVER = "spring.security.oauth2.resourceserver.jwt.";
    private static final String PROVIDER = "spring.security.oauth2.client.provider.";

    private MockStsProperties() {
    }

    /**
     * For a {@code @DynamicPropertySource}, where no {@code @MockSts} stands on the class: set them for the environment
     * that {@code environment} gives, such as that of a container.
     */
    public static void register(DynamicPropertyRegistry registry, Supplier<HelseIdEnvironment> environment, String provider) {
        Map<String, Object> found = of(environment.get(), provider);
        found.forEach((name, value) -> registry.add(name, () -> value));
    }

    /** The properties for an environment, with {@code mock-sts.issuer} beside those of Spring Security. */
    public static Map<String, Object> of(HelseIdEnvironment sts, String provider) {
        Map<String, Object> discovery = sts.discovery();
        Map<String, Object> found = new LinkedHashMap<>();
        found.put("mock-sts.issuer", sts.issuer());
        found.put(RESOURCE_SERVER + "issuer-uri", sts.issuer());
        found.put(RESOURCE_SERVER + "jwk-set-uri", discovery.get("jwks_uri"));
        String own = PROVIDER + provider + ".";
        found.put(own + "issuer-uri", sts.issuer());
        found.put(own + "authorization-uri", discovery.get("authorization_endpoint"));
        found.put(own + "token-uri", discovery.get("token_endpoint"));
        found.put(own + "user-info-uri", discovery.get("userinfo_endpoint"));
        found.put(own + "jwk-set-uri", discovery.get("jwks_uri"));
        return found;
    }
}
