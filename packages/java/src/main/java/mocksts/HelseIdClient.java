package mocksts;

import java.util.List;
import java.util.Map;

/**
 * A client that was registered.
 *
 * @param clientId its id
 * @param privateJwk its private key
 * @param issuer the issuer that it asks
 * @param registration its registration, as the server has it
 * @param warnings a sentence for all that is odd about it
 */
public record HelseIdClient(
    String clientId,
    Map<String, Object> privateJwk,
    String issuer,
    Map<String, Object> registration,
    List<String> warnings) {

    /** The private key as the text that libraries read. */
    public String privateJwkJson() {
        return Json.write(privateJwk);
    }

    @Override
    public String toString() {
        return clientId;
    }
}
