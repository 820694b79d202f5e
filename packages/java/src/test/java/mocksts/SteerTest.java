package mocksts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import com.nimbusds.jose.crypto.RSASSAVerifier;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jwt.SignedJWT;

import mocksts.junit.Client;
import mocksts.junit.MockSts;
import mocksts.junit.Persona;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What tests steer: each noun of the library once. */
@MockSts(settings = {"access_token_lifetime=700", "enforcement=strict"})
class SteerTest {
    private static final String CALLBACK = "http://localhost:8089/callback";

    private final HelseIdEnvironment sts;

    SteerTest(HelseIdEnvironment sts) {
        this.sts = sts;
    }

    @AfterEach
    void back() {
        sts.reset();
    }

    @Test
    void classHasAnEnvironmentWithItsSettings(HelseIdEnvironment same) {
        assertEquals(sts.issuer(), same.issuer());
        assertEquals(MockStsServer.shared().issuer() + "/env/" + sts.name(), sts.issuer());
        Map<String, Object> claims = sts.token("mock:demo-api").claims();
        assertEquals(700, (Long) claims.get("exp") - (Long) claims.get("nbf"));
        assertTrue(Json.write(sts.control().call("GET", "/settings")).contains("\"strict\""));
        assertEquals("default", MockStsServer.shared().name());
    }

    @Nested
    class Inside {
        @Test
        void nestedClassesHaveThatOfTheClassAround(HelseIdEnvironment inner) {
            assertEquals(sts.issuer(), inner.issuer());
        }
    }

    @Test
    void environmentsEnd() {
        HelseIdEnvironment root = MockStsServer.shared();
        HelseIdEnvironment own = root.environment(Map.of("name", "java-1", "settings", Map.of("enforcement", "observe")));
        assertEquals(root.issuer() + "/env/java-1", own.issuer());
        own.client("only-here", Map.of());
        assertEquals(404, assertThrows(ControlException.class, () -> sts.control().call("GET", "/clients/only-here")).status());
        HelseIdEnvironment.at(own.issuer()).close(); // was there before
        assertEquals("only-here", own.control().call("GET", "/clients/only-here").get("client_id"));
        own.close();
        own.close();
        assertFalse(Json.write(root.control().call("GET", "/environments")).contains("java-1"));
    }

    @Test
    void clientsAreMachinesOrLogPeopleIn(@Client HelseIdClient machine, @Client(value = "web", redirectUris = CALLBACK) HelseIdClient web) {
        assertEquals(List.of("client_credentials"), machine.registration().get("grant_types"));
        assertEquals(List.of("authorization_code", "refresh_token"), web.registration().get("grant_types"));
        assertEquals(sts.issuer(), web.issuer());
        assertEquals("web", web.toString());
        assertEquals(List.of(), web.warnings());
        assertTrue(web.privateJwkJson().contains("\"d\":"));
        String kept = Json.write(sts.control().call("GET", "/clients/web"));
        assertTrue(kept.contains((String) web.privateJwk().get("kid")));
        assertFalse(kept.contains("\"d\":"));
        assertEquals(machine.clientId(), sts.client(machine.clientId(), Map.of("make_key", "RSA")).clientId());
    }

    @Test
    void peopleAreFoundChangedAndMade(@Persona("kvart-grevling") HelseIdPerson known, @Persona HelseIdPerson made) {
        assertEquals("06828399789", known.pid());
        assertEquals("kvart-grevling", known.toString());
        assertEquals(known, sts.persona(known.pid()));
        assertEquals("3", sts.persona("kvart-grevling", Map.of("security_level", "3")).document().get("security_level"));
        Set<String> pids = new HashSet<>(Set.of(made.pid()));
        for (int count = 0; count < 20; count += 1) {
            HelseIdPerson person = sts.persona();
            pids.add(person.pid());
            assertEquals(List.of(), sts.control().call("PUT", "/personas/" + person.pid(), person.document()).get("warnings"));
        }
        assertEquals(21, pids.size());
        assertEquals("min-person", sts.persona("min-person", Map.of("given_name", "ANNE")).name());
    }

    @Test
    void organizationsAreFoundChangedAndMade() {
        assertEquals("213000012", sts.organization("213000012", Map.of()).get("number"));
        for (int count = 0; count < 20; count += 1) {
            Map<String, Object> made = sts.organization();
            assertEquals(List.of(), sts.control().call("PUT", "/organizations/" + made.get("number"), made).get("warnings"));
        }
        assertEquals("Nytt navn", sts.organization("213000012", Map.of("name", "Nytt navn")).get("name"));
        sts.putWorld(Map.of("organizations", List.of(Map.of("number", "311000004", "name", "Alt i ett"))));
        assertEquals("Alt i ett", sts.organization("311000004", Map.of()).get("name"));
    }

    @Test
    void loginsAreOrdered() throws Exception {
        HelseIdClient web = sts.client("ordered", Map.of(
            "redirect_uris", List.of(CALLBACK), "require_pushed_authorization_requests", false, "enforcement", "helseid"));
        sts.loginAs(sts.persona("kvart-grevling"), web);
        assertTrue(authorize(web, null).contains("code="));
        sts.nextLogin(Map.of("outcome", "access_denied"));
        assertTrue(authorize(web, null).contains("error=access_denied"));
        sts.loginAs("kvart-grevling");
        assertTrue(authorize(web, null).contains("code="));
        assertFalse(authorize(web, null).contains("code="), "the orders are used up, so a page asks");
        HttpURLConnection become = open(sts.loginUrl("kvart-grevling"));
        String cookie = become.getHeaderField("Set-Cookie").split(";")[0];
        assertTrue(authorize(web, cookie).contains("code="));
        List<Map<String, Object>> granted = sts.journal(Map.of("client_id", "ordered", "outcome", "granted"));
        assertTrue(granted.size() >= 3);
        assertTrue(sts.journal().size() >= granted.size());
    }

    private String authorize(HelseIdClient client, String cookie) throws Exception {
        byte[] hash = MessageDigest.getInstance("SHA-256").digest("v".repeat(43).getBytes());
        String challenge = Base64.getUrlEncoder().withoutPadding().encodeToString(hash);
        String query = "client_id=" + client.clientId() + "&response_type=code&redirect_uri=" + ControlApi.segment(CALLBACK)
            + "&scope=openid&state=a&code_challenge_method=S256&code_challenge=" + challenge;
        HttpURLConnection connection =
            (HttpURLConnection) new URL(sts.discovery().get("authorization_endpoint") + "?" + query).openConnection();
        connection.setInstanceFollowRedirects(false);
        if (cookie != null) {
            connection.setRequestProperty("Cookie", cookie);
        }
        return String.valueOf(connection.getHeaderField("Location"));
    }

    private static HttpURLConnection open(String url) throws Exception {
        HttpURLConnection connection = (HttpURLConnection) URI.create(url).toURL().openConnection();
        connection.setInstanceFollowRedirects(false);
        return connection;
    }

    @Test
    void clockMovesStandsAndGoesBack() {
        Instant begun = sts.clock().now();
        assertTrue(Duration.between(begun, sts.clock().advance(Duration.ofHours(2))).toSeconds() >= 7_200);
        assertTrue(Duration.between(begun, sts.clock().advance(Duration.ofHours(-1))).toSeconds() < 7_200);
        Instant moment = Instant.parse("2030-01-02T03:04:05Z");
        sts.clock().freeze();
        assertEquals(moment, sts.clock().set(moment));
        assertEquals(moment, sts.clock().now());
        sts.clock().goOn();
        assertTrue(sts.clock().offset(Duration.ofDays(1)).isAfter(begun));
        sts.clock().reset();
        assertEquals("PT0S", sts.clock().state().get("offset"));
    }

    @Test
    void keysAreRolledOver() throws Exception {
        try (HelseIdEnvironment own = MockStsServer.shared().environment()) {
            String old = (String) own.keys().active().get("kid");
            String now = (String) own.keys().rotate().get("kid");
            assertNotEquals(old, now);
            URL jwks = new URL((String) own.discovery().get("jwks_uri"));
            assertEquals(2, JWKSet.load(jwks).getKeys().size());
            own.keys().retire(old);
            assertEquals(List.of(now), JWKSet.load(jwks).getKeys().stream().map(key -> key.getKeyID()).toList());
            assertEquals(2, own.keys().list().size());
        }
    }

    @Test
    void faultsHappenAsOrderedAndGo() throws Exception {
        Map<String, Object> match = Map.of("endpoint", "jwks");
        String jwks = (String) sts.discovery().get("jwks_uri");
        sts.fault(Map.of("match", match, "times", 1, "effect", Map.of("status", 503)));
        assertEquals(503, open(jwks).getResponseCode());
        assertEquals(200, open(jwks).getResponseCode());
        try (HelseIdFault lasting = sts.fault(Map.of("match", match, "effect", Map.of("status", 503)))) {
            assertEquals(1L, Json.objects(sts.control().call("GET", "/faults").get("items")).stream()
                .filter(rule -> rule.get("id").equals(lasting.rule().get("id"))).count());
            assertEquals(503, open(jwks).getResponseCode());
        }
        assertEquals(200, open(jwks).getResponseCode());
    }

    @Test
    void whatWasAskedIsVerified() throws Exception {
        HttpURLConnection asked = open((String) sts.discovery().get("token_endpoint"));
        asked.setDoOutput(true);
        asked.getOutputStream().write("grant_type=client_credentials&client_id=demo-machine".getBytes());
        assertEquals(400, asked.getResponseCode());
        Map<String, Object> holds = Map.of("called", "token", "times", 1, "outcome", "refused");
        assertEquals(true, sts.verify(Map.of("client_id", "demo-machine", "expect", List.of(holds))).get("met"));
        Map<String, Object> twice = Map.of("client_id", "demo-machine", "expect", List.of(Map.of("called", "token", "times", 2)));
        VerificationFailedError failure = assertThrows(VerificationFailedError.class, () -> sts.verify(twice));
        assertEquals(Json.objects(failure.answer().get("results")).get(0).get("says"), failure.getMessage());
    }

    @Test
    void tokenIsOneLineAndGood() throws Exception {
        SignedJWT token = SignedJWT.parse(sts.token("mock:demo-api").toString());
        JWKSet keys = JWKSet.load(new URL((String) sts.discovery().get("jwks_uri")));
        assertTrue(token.verify(new RSASSAVerifier(keys.getKeyByKeyId(token.getHeader().getKeyID()).toRSAKey())));
        assertEquals(sts.issuer(), token.getJWTClaimsSet().getIssuer());
        TestToken doctor = sts.token("mock:demo-api", Map.of("persona", "kvart-grevling", "client_id", "demo-web-api"));
        assertEquals("06828399789", doctor.claims().get("helseid://claims/identity/pid"));
        assertNotEquals("mock:demo-api", sts.token("mock:demo-api", Map.of("defects", List.of("wrong_audience"))).claims().get("aud"));
    }

    @Test
    void whatWasMadeGoesAway() {
        String before = sts.snapshot();
        sts.client("made", Map.of());
        sts.restore(before);
        assertThrows(ControlException.class, () -> sts.control().call("GET", "/clients/made"));
        sts.client("made", Map.of());
        HelseIdEnvironment tagged = HelseIdEnvironment.at(sts.url(), null, "run-1");
        tagged.client("tagged", Map.of());
        sts.reset("run-1");
        assertThrows(ControlException.class, () -> sts.control().call("GET", "/clients/tagged"));
        assertEquals("made", sts.control().call("GET", "/clients/made").get("client_id"));
    }

    @Test
    void stoppedServerAnswersNoMoreAndLeavesNoFolder() {
        HelseIdEnvironment own = MockStsServer.configure().setting("access_token_lifetime", 60).start();
        String settings = Json.write(own.control().call("GET", "/settings"));
        Path database = Path.of(settings.replaceAll(".*sqlite:///([^\"]+\\.sqlite).*", "$1"));
        assertTrue(Files.exists(database), database.toString());
        own.close();
        own.close();
        assertFalse(Files.exists(database.getParent()));
        assertEquals(ControlException.Reason.NO_ANSWER, assertThrows(ControlException.class, own::journal).reason());
    }

    @Test
    void jsonIsReadAndWritten() {
        String text = "{\"a\":[1,-2.5,true,null,\"\\u00e5\\n\\\"\"],\"b\":{},\"c\":[]}";
        assertEquals("{\"a\":[1,-2.5,true,null,\"å\\u000a\\\"\"],\"b\":{},\"c\":[]}", Json.write(Json.read(" " + text + " ")));
        for (String wrong : List.of("", "{", "[1,", "nul", "{\"a\" 1}", "1 2", "\"a", "[1}", "-", "\"\\u12")) {
            assertThrows(IllegalArgumentException.class, () -> Json.read(wrong), wrong);
        }
    }
}
