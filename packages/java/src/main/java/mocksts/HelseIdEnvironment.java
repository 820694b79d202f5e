package mocksts;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

import mocksts.ControlException.Reason;

/**
 * One environment of a server: what an application under test needs to know of it, and what a test steers. Members of
 * registrations and orders have the names of the control API.
 *
 * <p>Every method throws {@link ControlException} where the server refuses or does not answer.
 */
public final class HelseIdEnvironment implements AutoCloseable {
    /** What a client gets that says nothing else: the grants of a machine, or those of a login. As mock_sts.testing. */
    private static final String MACHINE_SCOPE = "mock:demo-api/read";
    private static final String LOGIN_SCOPE =
        "openid profile offline_access helseid://scopes/identity/pid helseid://scopes/identity/security_level "
            + "helseid://scopes/hpr/hpr_number " + MACHINE_SCOPE;

    private final ControlApi control;
    private final String issuer;
    private final HelseIdClock clock;
    private final HelseIdKeys keys;
    private Runnable end;

    HelseIdEnvironment(ControlApi control, Runnable end) {
        this.control = control;
        control.call("GET", "/clock"); // the sort of server, the token, and whether the environment is there
        this.issuer = (String) control.document("/.well-known/openid-configuration").get("issuer");
        this.clock = new HelseIdClock(control);
        this.keys = new HelseIdKeys(control);
        this.end = end;
    }

    /** The environment with this address, which may be an environment's own ({@code http://localhost:8080/env/w1}). */
    public static HelseIdEnvironment at(String url) {
        return at(url, null, null);
    }

    /**
     * The same, for a server with an administration token, and with a mark on all that this test run makes.
     *
     * @param adminToken the server's {@code MOCK_STS_ADMIN_TOKEN}; null without one
     * @param tag the mark; null without one
     */
    public static HelseIdEnvironment at(String url, String adminToken, String tag) {
        if (!url.matches("https?://[^/].*")) {
            throw new MockStsException("\"" + url + "\" is no address of a server; one is http://localhost:8080");
        }
        return new HelseIdEnvironment(new ControlApi(url, adminToken, tag, List::of), () -> { });
    }

    /** The issuer: what the application under test is configured with. */
    public String issuer() {
        return issuer;
    }

    /** The environment's name; {@code default} at the root of the server. */
    public String name() {
        return control.environment() == null ? "default" : control.environment();
    }

    /** Where this process reaches it. */
    public String url() {
        return control.base();
    }

    /** Its discovery document. */
    public Map<String, Object> discovery() {
        return control.document("/.well-known/openid-configuration");
    }

    /** Its control API, for everything that has no method here. */
    public ControlApi control() {
        return control;
    }

    public HelseIdClock clock() {
        return clock;
    }

    public HelseIdKeys keys() {
        return keys;
    }

    /** Register a machine with a key made for it. */
    public HelseIdClient client() {
        return client(UUID.randomUUID().toString(), Map.of());
    }

    /** Register a client that logs people in, with a key made for it. */
    public HelseIdClient client(String clientId, String... redirectUris) {
        return client(clientId, redirectUris.length == 0 ? Map.of() : Map.of("redirect_uris", List.of(redirectUris)));
    }

    /**
     * Register a client, with a key made for it, or put it in the place of the one with this id. {@code members} are
     * those of a fixture file. Without {@code redirect_uris} it is a machine, with them it logs people in; what says
     * nothing of its scopes gets those of the demo.
     */
    public HelseIdClient client(String clientId, Map<String, ?> members) {
        boolean isLogin = members.get("redirect_uris") instanceof List<?> uris && !uris.isEmpty();
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("grant_types", isLogin ? List.of("authorization_code", "refresh_token") : List.of("client_credentials"));
        body.put("scope", isLogin ? LOGIN_SCOPE : MACHINE_SCOPE);
        body.put("make_key", "EC");
        body.putAll(members);
        Map<String, Object> made =
            new LinkedHashMap<>(control.call("PUT", "/clients/" + ControlApi.segment(clientId), body));
        Map<String, Object> key = Json.object(made.remove("private_jwk"));
        List<String> warnings = ((List<?>) made.remove("warnings")).stream().map(String::valueOf).toList();
        return new HelseIdClient(clientId, key, issuer, made, warnings);
    }

    /** A new person with a synthetic pid. */
    public HelseIdPerson persona() {
        return persona(null, Map.of());
    }

    /** The person with this pid or short name, or a new one of that name. */
    public HelseIdPerson persona(String key) {
        return persona(key, Map.of());
    }

    /**
     * A person: the one with the pid or short name {@code key}, changed by {@code members} of a fixture file, or a new
     * one. A new person has a synthetic pid, and is called as {@code members} say.
     */
    public HelseIdPerson persona(String key, Map<String, ?> members) {
        boolean isPid = key != null && key.matches("\\d+");
        Map<String, Object> found = key == null ? null : person(key, isPid);
        if (found != null && members.isEmpty()) {
            return new HelseIdPerson(found);
        }
        Map<String, Object> document = new LinkedHashMap<>(Map.of("given_name", "PRØVE", "family_name", "PERSON"));
        if (key != null && !isPid) {
            document.put("persona", key);
        }
        if (found != null) {
            document.putAll(found);
        }
        document.putAll(members);
        String pid = found != null ? (String) found.get("pid") : isPid ? key : Synthetic.pid();
        return new HelseIdPerson(put("/personas/" + ControlApi.segment(pid), document));
    }

    /** A new organization with a synthetic number, as the server knows it. */
    public Map<String, Object> organization() {
        return organization(null, Map.of());
    }

    /** The organization with this number, changed by {@code members} of a fixture file, or a new one. */
    public Map<String, Object> organization(String number, Map<String, ?> members) {
        Map<String, Object> found = number == null ? null : known("/organizations/" + ControlApi.segment(number));
        if (found != null && members.isEmpty()) {
            return found;
        }
        Map<String, Object> document = new LinkedHashMap<>(Map.of("name", "PRØVEVIRKSOMHET"));
        if (found != null) {
            document.putAll(found);
        }
        document.putAll(members);
        return put("/organizations/" + ControlApi.segment(number == null ? Synthetic.organizationNumber() : number), document);
    }

    /** Put organizations, personas, apis and clients in the place of those that were made here; all or nothing. */
    public Map<String, Object> putWorld(Map<String, ?> world) {
        return control.call("PUT", "/world", world);
    }

    /** The next login of any client is that of this person: a short name or a pid. The number of the order. */
    public long loginAs(String persona) {
        return nextLogin(Map.of("persona", persona));
    }

    /** The next login of this client is that of this person. */
    public long loginAs(HelseIdPerson person, HelseIdClient client) {
        return nextLogin(Map.of("persona", person.pid(), "match", Map.of("client_id", client.clientId())));
    }

    /**
     * Order the next login: {@code persona}, {@code outcome} (how it ends), {@code match}, {@code times}. The number of
     * the order.
     */
    public long nextLogin(Map<String, ?> order) {
        return (Long) control.call("POST", "/next-login", order).get("id");
    }

    /** The address that makes a browser that of a person, for every login from then on. */
    public String loginUrl(String persona) {
        return issuer + "/mock/as/" + ControlApi.segment(persona);
    }

    /** Order a fault: {@code match}, {@code times} and the like, {@code effect}. Its rule; closing it removes it. */
    public HelseIdFault fault(Map<String, ?> rule) {
        return new HelseIdFault(control, control.call("POST", "/faults", rule));
    }

    /** All entries of the journal that are kept, the newest first. */
    public List<Map<String, Object>> journal() {
        return journal(Map.of());
    }

    /** The entries that fit ({@code client_id}, {@code outcome}, {@code rule}, {@code limit}), the newest first. */
    public List<Map<String, Object>> journal(Map<String, ?> wanted) {
        return Json.objects(control.call("GET", "/journal", null, wanted).get("entries"));
    }

    /**
     * Hold expectations against what was asked here: {@code expect}, and {@code client_id}, {@code flow}, {@code since} or
     * {@code after} for which requests count. The server's answer.
     *
     * @throws VerificationFailedError where one does not hold; it says what is otherwise
     */
    public Map<String, Object> verify(Map<String, ?> expectations) {
        Map<String, Object> answer = control.call("POST", "/verify", expectations);
        if (!Boolean.TRUE.equals(answer.get("met"))) {
            List<String> otherwise = new ArrayList<>();
            for (Map<String, Object> result : Json.objects(answer.get("results"))) {
                if (!Boolean.TRUE.equals(result.get("met"))) {
                    otherwise.add(String.valueOf(result.get("says")));
                }
            }
            throw new VerificationFailedError(String.join("\n", otherwise), answer);
        }
        return answer;
    }

    /** A signed token of a machine for an API, without a login. */
    public TestToken token(String audience) {
        return token(audience, Map.of());
    }

    /**
     * A signed token for an API, without a login. {@code order} may have {@code client_id}, {@code persona},
     * {@code scope}, {@code defects} and the like.
     */
    public TestToken token(String audience, Map<String, ?> order) {
        Map<String, Object> body = new LinkedHashMap<>(order);
        body.put("audience", audience);
        return new TestToken(control.call("POST", "/test-tokens", body));
    }

    /** A fresh DPoP proof: {@code access_token}, {@code method}, {@code url}, the {@code key} of the token. */
    public String proof(Map<String, ?> order) {
        return (String) control.call("POST", "/test-tokens/proof", order).get("proof");
    }

    /** A good token and every defect of it; {@code order} may have {@code client_id}, {@code persona} and the like. */
    public List<TestTokenCase> tokenMatrix(String audience, Map<String, ?> order) {
        Map<String, Object> query = new LinkedHashMap<>(order);
        query.put("audience", audience);
        Map<String, Object> answer = control.call("GET", "/test-tokens/matrix", null, query);
        Map<String, Object> key = answer.get("key") == null ? null : Json.object(answer.get("key"));
        List<TestTokenCase> cases = new ArrayList<>();
        Json.objects(answer.get("items")).forEach(row -> cases.add(new TestTokenCase(this, key, row)));
        return cases;
    }

    /** Take a snapshot; its id. */
    public String snapshot() {
        return (String) control.call("POST", "/snapshots", Map.of()).get("id");
    }

    /** Make everything as it was when the snapshot with this id was taken. */
    public void restore(String snapshot) {
        control.call("POST", "/snapshots/" + ControlApi.segment(snapshot) + "/restore");
    }

    /** Take the environment back to its start. */
    public void reset() {
        control.call("POST", "/reset");
    }

    /** Forget what the test run with this mark has made. */
    public void reset(String tag) {
        control.call("POST", "/reset", null, Map.of("tag", tag));
    }

    /** A new environment of the same server, which {@link #close} ends. To be asked of the one at the root. */
    public HelseIdEnvironment environment() {
        return environment(Map.of());
    }

    /**
     * The same with {@code name}, {@code settings}, {@code preset}, {@code hosts}, {@code fresh_keys} and {@code tag}.
     */
    public HelseIdEnvironment environment(Map<String, ?> wanted) {
        String name = (String) control.call("POST", "/environments", wanted).get("name");
        return new HelseIdEnvironment(control.at(control.base() + "/env/" + name), () -> {
            try {
                control.call("DELETE", "/environments/" + name);
            } catch (ControlException gone) {
                if (gone.reason() != Reason.REFUSED || gone.status() != 404) {
                    throw gone;
                } // else it has ended already
            }
        });
    }

    /** End what was started or made here: a server, or an environment. What ran before goes on. */
    @Override
    public synchronized void close() {
        Runnable ends = end;
        end = () -> { };
        ends.run();
    }

    @Override
    public String toString() {
        return issuer;
    }

    private Map<String, Object> person(String key, boolean isPid) {
        if (isPid) {
            return known("/personas/" + ControlApi.segment(key));
        }
        return control.items("/personas").stream().filter(one -> key.equals(one.get("persona"))).findFirst().orElse(null);
    }

    private Map<String, Object> known(String path) {
        try {
            return control.call("GET", path);
        } catch (ControlException missing) {
            if (missing.reason() == Reason.REFUSED && missing.status() == 404) {
                return null;
            }
            throw missing;
        }
    }

    private Map<String, Object> put(String path, Map<String, Object> document) {
        Map<String, Object> made = new LinkedHashMap<>(control.call("PUT", path, document));
        made.remove("warnings");
        return made;
    }
}
