package mocksts;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Where a server comes from: an address ({@code HELSEID_MOCK_URL}), a container image ({@code HELSEID_MOCK_IMAGE}), the
 * program of an archive or of an installation ({@code HELSEID_MOCK_PROGRAM}), or {@code mock-sts} on the PATH. System
 * properties of the form {@code helseid.mock.url} go before these variables.
 */
public final class MockStsServer {
    private static final List<String> WORDS = List.of("serve", "--json", "--exit-with-stdin");

    private static final String WAYS =
        "Give an address (HELSEID_MOCK_URL), the program of an archive or of an installation (HELSEID_MOCK_PROGRAM), or a"
            + " container image (HELSEID_MOCK_IMAGE), each as a variable, a system property such as helseid.mock.program, or"
            + " in code; or put mock-sts on the PATH.";

    /** Lines of the log that are kept for a message, and characters of each. */
    private static final int KEPT = 12;
    private static final int WIDTH = 300;

    /** Seconds in which a server that is asked to end has ended. */
    private static final int ENDS = 20;

    private static HelseIdEnvironment shared;

    private String url = "";
    private String image = "";
    private String program = "";
    private String adminToken;
    private Duration patience = Duration.ofSeconds(60);
    private final Map<String, String> settings = new LinkedHashMap<>();

    private MockStsServer() {
    }

    /** One server for this JVM, at its root: started by the first call, ended with the JVM. */
    public static synchronized HelseIdEnvironment shared() {
        if (shared == null) {
            shared = configure().start();
        }
        return shared;
    }

    /** A server, with what is said next. */
    public static MockStsServer configure() {
        return new MockStsServer();
    }

    /** The one that runs at this address. */
    public MockStsServer url(String address) {
        this.url = address;
        return this;
    }

    /** One of this container image, by docker. */
    public MockStsServer image(String name) {
        this.image = name;
        return this;
    }

    /** One of this program. */
    public MockStsServer program(String path) {
        this.program = path;
        return this;
    }

    /** A setting by its name, such as {@code access_token_lifetime}. */
    public MockStsServer setting(String name, Object value) {
        settings.put(name, String.valueOf(value));
        return this;
    }

    /** The server's {@code MOCK_STS_ADMIN_TOKEN}, where it runs already; else give the setting. */
    public MockStsServer adminToken(String token) {
        this.adminToken = token;
        return this;
    }

    /** How long a server may take until it is ready: 60 seconds where nothing is said. */
    public MockStsServer patience(Duration duration) {
        this.patience = duration;
        return this;
    }

    /**
     * Find or start it; the environment at its root. A server that is started has a free port and a database of its own,
     * and ends by {@link HelseIdEnvironment#close}, or with this JVM.
     *
     * @throws StartException where it does not start
     */
    public HelseIdEnvironment start() {
        return start(MockStsServer::given);
    }

    HelseIdEnvironment start(Function<String, String> given) {
        boolean isSaid = !(url + image + program).isEmpty();
        String address = isSaid ? url : given.apply("url");
        String container = isSaid ? image : given.apply("image");
        String command = isSaid ? program : given.apply("program");
        if (!address.isEmpty()) {
            if (!settings.isEmpty()) {
                throw new MockStsException("the server at " + address + " runs already, so settings cannot change it: make"
                    + " an environment with them, environment(Map.of(\"settings\", ...)).");
            }
            return HelseIdEnvironment.at(address, adminToken, null);
        }
        if (!container.isEmpty()) {
            return startContainer(container);
        }
        return startProgram(command.isEmpty() ? "mock-sts" : command);
    }

    private static String given(String kind) {
        String variable = System.getenv("HELSEID_MOCK_" + kind.toUpperCase());
        return System.getProperty("helseid.mock." + kind, variable == null ? "" : variable);
    }

    private HelseIdEnvironment startProgram(String command) {
        Path folder;
        try {
            folder = Files.createTempDirectory("mock-sts-");
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
        Map<String, String> own = new LinkedHashMap<>();
        own.put("port", "0");
        own.put("database_url", "sqlite:///" + folder.toString().replace('\\', '/') + "/sts.sqlite");
        own.putAll(settings);
        List<String> words = new ArrayList<>(List.of(command));
        words.addAll(WORDS);
        ProcessBuilder builder = new ProcessBuilder(words);
        builder.environment().keySet().removeIf(name -> name.startsWith("MOCK_STS_"));
        own.forEach((name, value) -> builder.environment().put("MOCK_STS_" + name.toUpperCase(), value));
        try {
            Running server = new Running(builder, "the program " + command, folder);
            String found = (String) server.ready(patience).get("url");
            return connected(server, found);
        } catch (RuntimeException failed) {
            forget(folder);
            throw failed;
        }
    }

    private HelseIdEnvironment startContainer(String name) {
        String container = "mock-sts-" + UUID.randomUUID();
        List<String> words = new ArrayList<>(List.of(
            "docker", "run", "--rm", "--interactive", "--name", container, "--publish", "127.0.0.1::8080"));
        settings.forEach((setting, value) -> words.addAll(List.of("--env", "MOCK_STS_" + setting.toUpperCase() + "=" + value)));
        words.add(name);
        words.addAll(WORDS);
        Running server = new Running(new ProcessBuilder(words), "docker with the image " + name, null);
        server.ready(patience); // the port in it is the container's
        Matcher published = Pattern.compile(":(\\d+)\\s*$", Pattern.MULTILINE).matcher(output("docker", "port", container, "8080/tcp"));
        if (!published.find()) {
            server.close();
            throw new StartException("the container of " + name + " has no port 8080 that this machine reaches", server.log());
        }
        return connected(server, "http://localhost:" + published.group(1));
    }

    private HelseIdEnvironment connected(Running server, String found) {
        String token = adminToken == null ? settings.get("admin_token") : adminToken;
        try {
            return new HelseIdEnvironment(new ControlApi(found, token, null, server::log), server::close);
        } catch (RuntimeException failed) {
            server.close();
            throw failed;
        }
    }

    private static String output(String... words) {
        try {
            Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
            return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException failed) {
            return "";
        }
    }

    private static void forget(Path folder) {
        if (folder == null || !Files.exists(folder)) {
            return;
        }
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        } catch (IOException | UncheckedIOException left) {
            // A folder of the system's place for such: what is left goes with it.
        }
    }

    /** A child process that serves. It ends when its standard input closes, so with this JVM. */
    private static final class Running {
        private final Process process;
        private final String what;
        private final Path folder;
        private final Deque<String> lines = new ArrayDeque<>();
        private final CompletableFuture<String> line;
        private final Thread reader;
        private final Thread atEnd = new Thread(this::end);

        Running(ProcessBuilder builder, String what, Path folder) {
            this.what = what;
            this.folder = folder;
            try {
                process = builder.start();
            } catch (IOException missing) {
                throw new StartException(what + " cannot be started here: " + missing.getMessage() + ". " + WAYS, List.of());
            }
            reader = daemon(this::read);
            line = new CompletableFuture<>();
            daemon(() -> {
                try {
                    line.complete(process.inputReader(StandardCharsets.UTF_8).readLine());
                } catch (IOException ended) {
                    line.complete(null);
                }
            });
            Runtime.getRuntime().addShutdownHook(atEnd);
        }

        Map<String, Object> ready(Duration patience) {
            String printed;
            try {
                printed = line.get(patience.toMillis(), TimeUnit.MILLISECONDS);
            } catch (TimeoutException late) {
                process.destroyForcibly();
                close();
                throw new StartException(
                    what + " was not ready after " + patience.toMillis() / 1000.0 + " s; give it more by patience(...)", log());
            } catch (InterruptedException | ExecutionException failed) {
                close();
                throw new StartException(what + " could not be waited for: " + failed, log());
            }
            if (printed == null) {
                int status = await();
                close();
                throw new StartException(
                    what + " did not start a server: it ended with status " + status + ". Its log says why; a status of 2 is"
                        + " a wrong setting, or a mock-sts that is older than this library.", log());
            }
            try {
                return Json.readObject(printed);
            } catch (IllegalArgumentException none) {
                process.destroyForcibly();
                close();
                throw new StartException(
                    what + " is no mock-sts of the version of this library or a newer one: it printed " + printed, log());
            }
        }

        List<String> log() {
            synchronized (lines) {
                return List.copyOf(lines);
            }
        }

        void close() {
            try {
                Runtime.getRuntime().removeShutdownHook(atEnd);
            } catch (IllegalStateException ends) {
                return; // the hook does it
            }
            end();
        }

        private void end() {
            try {
                process.getOutputStream().close();
                if (!process.waitFor(ENDS, TimeUnit.SECONDS)) {
                    process.destroyForcibly().waitFor();
                }
            } catch (IOException | InterruptedException ended) {
                process.destroyForcibly();
            }
            forget(folder);
        }

        private int await() {
            try {
                int status = process.waitFor();
                reader.join(TimeUnit.SECONDS.toMillis(ENDS)); // until all of the log has been read
                return status;
            } catch (InterruptedException stop) {
                Thread.currentThread().interrupt();
                return -1;
            }
        }

        private void read() {
            try (BufferedReader errors = new BufferedReader(new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8))) {
                for (String next = errors.readLine(); next != null; next = errors.readLine()) {
                    synchronized (lines) {
                        lines.add(next.length() > WIDTH ? next.substring(0, WIDTH) + "..." : next);
                        if (lines.size() > KEPT) {
                            lines.remove();
                        }
                    }
                }
            } catch (IOException ended) {
                // Then there is no more of it.
            }
        }

        private static Thread daemon(Runnable work) {
            Thread thread = new Thread(work);
            thread.setDaemon(true);
            thread.start();
            return thread;
        }
    }
}
