package mocksts;

import java.util.LinkedHashMap;
import java.util.Map;

/** One row of the matrix of tokens: a good one, or one with a defect, and what an API does about it. */
public final class TestTokenCase {
    private final HelseIdEnvironment environment;
    private final Map<String, Object> key;
    private final Map<String, Object> row;

    TestTokenCase(HelseIdEnvironment environment, Map<String, Object> key, Map<String, Object> row) {
        this.environment = environment;
        this.key = key;
        this.row = row;
    }

    /** The defect's name; {@code good} for a token without one. */
    public String name() {
        return (String) row.get("name");
    }

    /** What is wrong with it, in a sentence. */
    public String says() {
        return (String) row.get("says");
    }

    public String accessToken() {
        return (String) row.get("access_token");
    }

    /** Bearer or DPoP. */
    public String type() {
        return (String) row.get("token_type");
    }

    /** Whether an API lets it in that takes nothing for granted. The good one is let in; others may be. */
    public boolean mustRefuse() {
        return Boolean.TRUE.equals(row.get("must_refuse"));
    }

    /** Whether the same request is to be sent twice, and the second is the one that counts. */
    public boolean sendTwice() {
        return Boolean.TRUE.equals(row.get("send_twice"));
    }

    /** All members of the row: {@code status}, {@code error}, {@code may_accept} and the like. */
    public Map<String, Object> row() {
        return row;
    }

    /** The headers of one call to the API, with a fresh proof where there is one. */
    public Map<String, String> headers(String method, String url) {
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("Authorization", type() + " " + accessToken());
        if (Boolean.TRUE.equals(row.get("with_proof"))) {
            Map<String, Object> order = new LinkedHashMap<>();
            order.put("access_token", accessToken());
            order.put("method", method);
            order.put("url", url);
            order.put("key", key);
            if (row.get("proof_defect") != null) {
                order.put("defect", row.get("proof_defect"));
            }
            headers.put("DPoP", environment.proof(order));
        }
        return headers;
    }

    @Override
    public String toString() {
        return name();
    }
}
