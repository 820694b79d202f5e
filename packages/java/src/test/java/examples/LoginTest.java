package examples;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.Map;

import mocksts.HelseIdClient;
import mocksts.HelseIdEnvironment;
import mocksts.HelseIdPerson;
import mocksts.junit.Client;
import mocksts.junit.MockSts;
import mocksts.junit.Persona;

import org.junit.jupiter.api.Test;

@MockSts(settings = "enforcement=strict")
class LoginTest {
    @Test
    void aDoctorLogsIn(
        HelseIdEnvironment sts,
        @Persona("kvart-grevling") HelseIdPerson doctor,
        @Client(redirectUris = "http://localhost:3000/callback") HelseIdClient client) {

        // What your application is configured with: sts.issuer(), client.clientId(), client.privateJwkJson().
        sts.loginAs(doctor, client);
        assertEquals("KVART", doctor.document().get("given_name"));
    }

    @Test
    void aLoginThatTheDoctorCancels(HelseIdEnvironment sts) {
        sts.nextLogin(Map.of("outcome", "access_denied"));
    }

    @Test
    void twoHoursLater(HelseIdEnvironment sts) {
        sts.clock().advance(Duration.ofHours(2));
        sts.keys().rotate();
    }
}
