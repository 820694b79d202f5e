package examples;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;

import mocksts.HelseIdEnvironment;
import mocksts.testcontainers.MockStsContainer;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("container")
class ContainerTest {
    @Test
    void tokensOfAContainer() {
        try (MockStsContainer sts = new MockStsContainer("mock-sts").withSetting("access_token_lifetime", 600)) {
            sts.start();
            HelseIdEnvironment environment = sts.environment().environment(Map.of("name", "w1"));
            assertEquals(sts.getIssuer() + "/env/w1", environment.issuer());
            assertEquals(environment.issuer(), environment.token("mock:demo-api").claims().get("iss"));
        }
    }
}
