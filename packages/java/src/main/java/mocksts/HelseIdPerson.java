package mocksts;

import java.util.Map;

/**
 * A person who can log in.
 *
 * @param pid the person's number
 * @param name the short name; null without one
 * @param document what the server knows, as a fixture file has it
 */
public record HelseIdPerson(String pid, String name, Map<String, Object> document) {
    HelseIdPerson(Map<String, Object> document) {
        this((String) document.get("pid"), (String) document.get("persona"), document);
    }

    /** The short name, or the pid. */
    @Override
    public String toString() {
        return name == null ? pid : name;
    }
}
