package mocksts;

import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import mocksts.ControlException.Reason;

/** The control API of one environment, for everything that has no method in {@link HelseIdEnvironment}. */
public final class ControlApi {
    private static final String API = "/mock/api/v1";

    /** Milliseconds in which a server answers; making an RSA key takes some on a busy machine. */
    private static final int PATIENCE = 60_000;

    private static final Pattern ENVIRONMENT = Pattern.compile("/env/([^/]+)$");

    private final String base;
    private final String adminToken;
    private final String tag;
    private final Supplier<List<String>> log;

    ControlApi(String base, String adminToken, String tag, Supplier<List<String>> log) {
        this.base = base.replaceAll("/+$", "");
        this.adminToken = adminToken;
        this.tag = tag;
        this.log = log;
    }

    /** Where this process reaches the environment. */
    public String base() {
        return base;
    }

    /** Ask without a body or parameters. */
    public Map<String, Object> call(String method, String path) {
        return call(method, path, null, Map.of());
    }

    /** Ask with a body. */
    public Map<String, Object> call(String method, String path, Object body) {
        return call(method, path, body, Map.of());
    }

    /**
     * What the server answers at {@code path} ({@code /clients/x}, its names percent-encoded); an empty map for
     * nothing.
     *
     * @throws ControlException where the server refuses or does not answer
     */
    public Map<String, Object> call(String method, String path, Object body, Map<String, ?> query) {
        Answer answer = send(method, API + path + written(query), body);
        if (answer.status < 400) {
            return answer.json;
        }
        if (answer.emulator == null) {
            throw new ControlException(
                Reason.ANOTHER_SERVER,
                "what answers at " + base + " is no Mock HelseID STS: " + method + " " + API + path + " gave "
                    + answer.status + ". Give the address of a mock-sts server, with its port.",
                answer.status, answer.json, List.of());
        }
        // A path that there is not, and not a thing that there is not.
        if (answer.status == 404 && !"urn:mock-sts:problem:not-found".equals(answer.json.get("type"))) {
            throw missing(method, path, answer);
        }
        String detail = String.valueOf(answer.json.getOrDefault("detail", answer.status + " without a reason"));
        String remedy = answer.status == 401 ? "; give the adminToken, which is the server's MOCK_STS_ADMIN_TOKEN" : "";
        throw new ControlException(
            Reason.REFUSED, method + " " + path + ": " + answer.status + ": " + detail + remedy,
            answer.status, answer.json, answer.status >= 500 ? log.get() : List.of());
    }

    /** All items of the list at {@code path}, page by page. */
    public List<Map<String, Object>> items(String path) {
        List<Map<String, Object>> found = new ArrayList<>();
        Object after = null;
        do {
            Map<String, Object> query = new LinkedHashMap<>(Map.of("limit", 1000));
            query.put("after", after);
            Map<String, Object> page = call("GET", path, null, query);
            found.addAll(Json.objects(page.get("items")));
            after = page.get("next");
        } while (after != null);
        return found;
    }

    /** {@code name} as it stands in a path. */
    public static String segment(String name) {
        return URLEncoder.encode(name, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /** The same server's API for the environment with the address {@code other}. */
    ControlApi at(String other) {
        return new ControlApi(other, adminToken, tag, log);
    }

    /** The last segment of an environment's address; null at the root. */
    String environment() {
        Matcher found = ENVIRONMENT.matcher(base);
        return found.find() ? found.group(1) : null;
    }

    /** A document of the emulated surface. */
    Map<String, Object> document(String path) {
        return send("GET", path, null).json;
    }

    private ControlException missing(String method, String path, Answer answer) {
        String name = environment();
        if (name != null) {
            ControlApi root = at(base.substring(0, base.length() - "/env/".length() - name.length()));
            if (root.send("GET", API + "/environments/" + name, null).status == 404) {
                return new ControlException(
                    Reason.NO_ENVIRONMENT,
                    "the environment " + name + " is gone from " + root.base + ": it was deleted, or was not used for the"
                        + " time that MOCK_STS_ENVIRONMENT_IDLE gives. Make one for each class or test with environment().",
                    answer.status, answer.json, log.get());
            }
        }
        String version = MockStsServer.class.getPackage().getImplementationVersion();
        return new ControlException(
            Reason.OLDER_SERVER,
            "the server at " + base + " has no " + method + " " + API + path + ". It says that it is \"" + answer.emulator
                + "\"" + (version == null ? "" : "; this library is of version " + version)
                + ". Start a server of the version of this library or a newer one.",
            answer.status, answer.json, log.get());
    }

    private record Answer(int status, String emulator, Map<String, Object> json) {
    }

    private Answer send(String method, String target, Object body) {
        try {
            URI uri = URI.create(base + target);
            boolean here = uri.getHost() != null && uri.getHost().matches("localhost|127\\..*|\\[.*]");
            HttpURLConnection connection =
                (HttpURLConnection) (here ? uri.toURL().openConnection(Proxy.NO_PROXY) : uri.toURL().openConnection());
            connection.setRequestMethod(method);
            connection.setConnectTimeout(PATIENCE);
            connection.setReadTimeout(PATIENCE);
            connection.setInstanceFollowRedirects(false);
            // A connection for each call: none is left open behind a test, and none has idled for too long.
            connection.setRequestProperty("Connection", "close");
            if (adminToken != null && !adminToken.isEmpty()) {
                connection.setRequestProperty("Authorization", "Bearer " + adminToken);
            }
            if (tag != null) {
                connection.setRequestProperty("Mock-Sts-Tag", tag);
            }
            if (body != null) {
                connection.setRequestProperty("Content-Type", "application/json");
                connection.setDoOutput(true);
                connection.getOutputStream().write(Json.write(body).getBytes(StandardCharsets.UTF_8));
            }
            int status = connection.getResponseCode();
            String emulator = connection.getHeaderField("Mock-Sts");
            String text;
            try (InputStream stream = status < 400 ? connection.getInputStream() : connection.getErrorStream()) {
                text = stream == null ? "" : new String(stream.readAllBytes(), StandardCharsets.UTF_8);
            }
            return new Answer(status, emulator, parsed(text, status));
        } catch (IOException | IllegalArgumentException failed) {
            throw new ControlException(
                Reason.NO_ANSWER,
                "no answer from " + base + " (" + method + " " + target + "): " + failed.getMessage()
                    + ". Is the server running, and is this its address?",
                0, Map.of(), log.get());
        }
    }

    private static Map<String, Object> parsed(String text, int status) throws IOException {
        try {
            return text.isEmpty() ? Map.of() : Json.readObject(text);
        } catch (IllegalArgumentException none) {
            if (status < 400) {
                throw new IOException(status + ", and no JSON object", none);
            }
            return Map.of();
        }
    }

    private static String written(Map<String, ?> query) {
        StringBuilder out = new StringBuilder();
        query.forEach((name, value) -> {
            if (value != null) {
                out.append(out.isEmpty() ? '?' : '&').append(segment(name)).append('=').append(segment(value.toString()));
            }
        });
        return out.toString();
    }
}
