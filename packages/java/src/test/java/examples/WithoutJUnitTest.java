package examples;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;

import mocksts.HelseIdEnvironment;
import mocksts.MockStsServer;

import org.junit.jupiter.api.Test;

class WithoutJUnitTest {
    @Test
    void aServerForABlock() {
        try (HelseIdEnvironment sts = MockStsServer.configure().setting("access_token_lifetime", 600).start();
            HelseIdEnvironment own = sts.environment(Map.of("name", "w1"))) {
            assertEquals(sts.issuer() + "/env/w1", own.issuer());
        }
    }
}
