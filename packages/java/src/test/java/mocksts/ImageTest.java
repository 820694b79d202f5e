package mocksts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A server of a container image, without Testcontainers. */
@Tag("container")
class ImageTest {
    @Test
    void tokensOfAnImage() {
        try (HelseIdEnvironment sts = MockStsServer.configure().image("mock-sts").setting("access_token_lifetime", 300).start()) {
            assertEquals(sts.issuer(), sts.token("mock:demo-api").claims().get("iss"));
        }
        MockStsServer wrong = MockStsServer.configure().image("mock-sts").setting("enforcemen", "strict");
        assertTrue(assertThrows(StartException.class, wrong::start).getMessage().contains("did you mean MOCK_STS_ENFORCEMENT"));
    }
}
