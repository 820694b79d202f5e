package mocksts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

import com.sun.net.httpserver.HttpServer;

import mocksts.ControlException.Reason;
import mocksts.junit.Client;
import mocksts.junit.MockSts;
import mocksts.junit.Persona;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** What goes wrong is an exception that names the remedy, with the last lines of the server's log where there are any. */
class BadInputTest {
    private static HelseIdEnvironment sts;

    @BeforeAll
    static void start() {
        sts = MockStsServer.configure().setting("admin_token", "secret").start();
    }

    @AfterAll
    static void stop() {
        sts.close();
    }

    private static void assertSays(String pattern, Throwable failure) {
        assertTrue(failure.getMessage().matches("(?s).*" + pattern + ".*"), failure.getMessage());
    }

    @Test
    void settingThatThereIsNot() {
        MockStsServer server = MockStsServer.configure().setting("enforcemen", "strict");
        StartException failure = assertThrows(StartException.class, server::start);
        assertSays("ended with status 2.*a wrong setting.*last lines of the server's log:.*did you mean MOCK_STS_ENFORCEMENT", failure);
        assertFalse(failure.log().isEmpty());
    }

    @Test
    void portThatIsTaken() {
        String port = sts.url().replaceAll(".*:", "");
        assertSays(port, assertThrows(StartException.class, () -> MockStsServer.configure().setting("port", port).start()));
    }

    @Test
    void programThatThereIsNotOrIsAnother() {
        assertSays("no-such-program.*HELSEID_MOCK_URL.*HELSEID_MOCK_PROGRAM.*HELSEID_MOCK_IMAGE.*helseid.mock.program.*on the PATH",
            assertThrows(StartException.class, () -> MockStsServer.configure().program("no-such-program").start()));
        assertSays("is no mock-sts", assertThrows(StartException.class, () -> MockStsServer.configure().program("echo").start()));
        assertSays("older than this library",
            assertThrows(StartException.class, () -> MockStsServer.configure().program("false").start()));
    }

    @Test
    void serverThatIsNotReadyInTime() {
        assertSays("not ready after 0.001 s.*patience", assertThrows(StartException.class,
            () -> MockStsServer.configure().patience(Duration.ofMillis(1)).start()));
    }

    @Test
    void sourceIsTheFirstThatIsGiven() {
        assertEquals(sts.issuer(), MockStsServer.configure().adminToken("secret")
            .start(kind -> kind.equals("url") ? sts.url() : "no-such-program").issuer());
        assertSays("environment\\(Map.of", assertThrows(MockStsException.class,
            () -> MockStsServer.configure().url(sts.url()).setting("enforcement", "strict").start()));
        assertSays("no address of a server; one is http:", assertThrows(MockStsException.class,
            () -> HelseIdEnvironment.at("localhost:8080")));
    }

    /** An address at which everything is answered with 404. */
    private static void answering(String emulator, String body, Consumer<String> use) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/", exchange -> {
            if (emulator != null) {
                exchange.getResponseHeaders().add("Mock-Sts", emulator);
            }
            byte[] content = body.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(404, content.length);
            exchange.getResponseBody().write(content);
            exchange.close();
        });
        server.start();
        try {
            use.accept("http://127.0.0.1:" + server.getAddress().getPort());
        } finally {
            server.stop(0);
        }
    }

    @Test
    void nothingAnotherAndAnOlderServer() throws Exception {
        List<String> gone = new ArrayList<>();
        answering(null, "<p>not here", url -> {
            gone.add(url);
            ControlException failure = assertThrows(ControlException.class, () -> HelseIdEnvironment.at(url));
            assertEquals(Reason.ANOTHER_SERVER, failure.reason());
            assertSays("is no Mock HelseID STS", failure);
        });
        ControlException nothing = assertThrows(ControlException.class, () -> HelseIdEnvironment.at(gone.get(0)));
        assertEquals(Reason.NO_ANSWER, nothing.reason());
        assertSays("Is the server running", nothing);
        answering("emulator 0.0.9, not HelseID", "{\"type\":\"about:blank\",\"detail\":\"no such path\"}", url -> {
            ControlException failure = assertThrows(ControlException.class, () -> HelseIdEnvironment.at(url));
            assertEquals(Reason.OLDER_SERVER, failure.reason());
            assertSays("has no GET /mock/api/v1/clock.*emulator 0.0.9.*Start a server of the version", failure);
        });
    }

    @Test
    void administrationTokenThatIsMissing() {
        ControlException failure = assertThrows(ControlException.class, () -> HelseIdEnvironment.at(sts.url()));
        assertEquals(401, failure.status());
        assertSays("adminToken.*MOCK_STS_ADMIN_TOKEN", failure);
        assertEquals(sts.issuer(), HelseIdEnvironment.at(sts.url(), "secret", null).issuer());
    }

    @Test
    void environmentThatWasDeleted() {
        HelseIdEnvironment environment = sts.environment(Map.of("name", "soon-gone"));
        sts.control().call("DELETE", "/environments/soon-gone");
        ControlException failure = assertThrows(ControlException.class, environment::client);
        assertEquals(Reason.NO_ENVIRONMENT, failure.reason());
        assertSays("soon-gone is gone.*deleted.*MOCK_STS_ENVIRONMENT_IDLE.*environment\\(\\).*log:\\s+\\S", failure);
        environment.close();
    }

    @Test
    void memberAndPersonThatThereAreNot() {
        ControlException failure = assertThrows(ControlException.class, () -> sts.client("a", Map.of("redirect_uri", List.of())));
        assertEquals("/redirect_uri", failure.problem().get("member"));
        assertEquals(400, failure.status());
        assertSays("did you mean kvart-grevling", assertThrows(ControlException.class, () -> sts.loginAs("kvart-grevlin")));
    }

    /** What is wrong on purpose: run by the test below, and by nothing else. */
    static class Wrong {
        @MockSts
        static class Failing {
            @Test
            void test(HelseIdEnvironment sts) throws Exception {
                java.net.HttpURLConnection asked = (java.net.HttpURLConnection)
                    java.net.URI.create((String) sts.discovery().get("token_endpoint")).toURL().openConnection();
                asked.setDoOutput(true);
                asked.getOutputStream().write("grant_type=client_credentials&client_id=demo-machine".getBytes());
                assertEquals(200, asked.getResponseCode());
            }
        }

        @MockSts
        static class WrongType {
            @Test
            void test(@Persona("kvart-grevling") String person, @Client String client) {
            }
        }

        @MockSts(settings = "enforcement")
        static class WrongSetting {
            @Test
            void test() {
            }
        }

        @MockSts(settings = "enforcement=strict", sharedEnvironment = true)
        static class SharedWithSettings {
            @Test
            void test() {
            }
        }
    }

    @Test
    void failedTestSaysWhatWasRefused() {
        Throwable failure = failureOf(Wrong.Failing.class);
        assertEquals(1, failure.getSuppressed().length);
        assertSays("refused by Mock HelseID STS:.*/connect/token of demo-machine: invalid_client, rule client-assertion.type: expected .*send client_assertion", failure.getSuppressed()[0]);
    }

    @Test
    void annotationsThatCannotWorkSaySo() {
        assertSays("@Persona is a mocksts.HelseIdPerson", failureOf(Wrong.WrongType.class));
        assertSays("write enforcement=strict", failureOf(Wrong.WrongSetting.class));
        assertSays("leave out sharedEnvironment", failureOf(Wrong.SharedWithSettings.class));
    }

    private static Throwable failureOf(Class<?> test) {
        List<Throwable> found = new ArrayList<>();
        Launcher launcher = LauncherFactory.create();
        launcher.execute(LauncherDiscoveryRequestBuilder.request().selectors(selectClass(test)).build(), new TestExecutionListener() {
            @Override
            public void executionFinished(TestIdentifier identifier, TestExecutionResult result) {
                result.getThrowable().ifPresent(found::add);
            }
        });
        assertEquals(1, found.size(), found.toString());
        return found.get(0);
    }
}
