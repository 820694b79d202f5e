package examples;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;

import mocksts.HelseIdEnvironment;
import mocksts.TestToken;
import mocksts.junit.MockSts;

import org.junit.jupiter.api.Test;

@MockSts
class OneLineTest {
    @Test
    void tokens(HelseIdEnvironment sts) {
        String machine = sts.token("mock:demo-api").accessToken();
        TestToken doctor = sts.token("mock:demo-api", Map.of("persona", "kvart-grevling", "client_id", "demo-web-api"));
        TestToken expired = sts.token("mock:demo-api", Map.of("defects", List.of("expired")));

        assertEquals(3, machine.split("\\.").length);
        assertEquals("KVART GREVLING", doctor.claims().get("name"));
        assertEquals("expired", ((Map<?, ?>) ((List<?>) expired.answer().get("defects")).get(0)).get("name"));
    }
}
