package examples;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

import mocksts.HelseIdEnvironment;
import mocksts.TestTokenCase;
import mocksts.junit.MockSts;
import mocksts.junit.TestTokenMatrix;

import org.junit.jupiter.params.ParameterizedTest;

@MockSts
class ApiTest {
    private final HttpClient http = HttpClient.newHttpClient();

    @ParameterizedTest
    @TestTokenMatrix(audience = "mock:demo-api", persona = "kvart-grevling", clientId = "demo-web-api")
    void letsInWhatIsGood(TestTokenCase token, HelseIdEnvironment sts) throws Exception {
        String api = sts.issuer() + "/mock/demo/api"; // yours
        int status = 0;
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(api));
        token.headers("GET", api).forEach(request::header);
        for (int count = 0; count < (token.sendTwice() ? 2 : 1); count += 1) {
            status = http.send(request.build(), BodyHandlers.discarding()).statusCode();
        }
        if (token.name().equals("good")) {
            assertEquals(200, status, token.says());
        } else if (token.mustRefuse()) {
            assertEquals(4, status / 100, token.says());
        }
    }
}
