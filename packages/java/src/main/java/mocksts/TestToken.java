package mocksts;

import java.util.Map;

/**
 * A token on order. As text it is the token itself.
 *
 * @param accessToken the token
 * @param type Bearer or DPoP
 * @param claims what it says
 * @param header its header
 * @param answer all that the server has answered: {@code proof}, {@code key}, {@code defects} and the like
 */
public record TestToken(
    String accessToken, String type, Map<String, Object> claims, Map<String, Object> header, Map<String, Object> answer) {

    TestToken(Map<String, Object> answer) {
        this(
            (String) answer.get("access_token"),
            (String) answer.get("token_type"),
            Json.object(answer.get("claims")),
            Json.object(answer.get("header")),
            answer);
    }

    @Override
    public String toString() {
        return accessToken;
    }
}
