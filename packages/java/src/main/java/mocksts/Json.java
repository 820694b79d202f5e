package mocksts;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** JSON as maps, lists, texts, longs, decimals, booleans and nulls, without a library. */
public final class Json {
    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /**
     * Read one JSON document.
     *
     * @throws IllegalArgumentException where it is none
     */
    public static Object read(String text) {
        Json reader = new Json(text);
        Object value = reader.value();
        reader.blanks();
        if (reader.at != text.length()) {
            throw reader.fault();
        }
        return value;
    }

    /**
     * Read a JSON object.
     *
     * @throws IllegalArgumentException where it is none
     */
    public static Map<String, Object> readObject(String text) {
        return object(read(text));
    }

    /** {@code value} as the object that it is. */
    @SuppressWarnings("unchecked")
    public static Map<String, Object> object(Object value) {
        if (value instanceof Map) {
            return (Map<String, Object>) value;
        }
        throw new IllegalArgumentException("no JSON object: " + write(value));
    }

    /** {@code value} as the list of objects that it is. */
    public static List<Map<String, Object>> objects(Object value) {
        List<Map<String, Object>> found = new ArrayList<>();
        for (Object one : (List<?>) value) {
            found.add(object(one));
        }
        return found;
    }

    /** Maps, lists, arrays, texts, numbers, booleans and nulls as JSON; of anything else its text. */
    public static String write(Object value) {
        StringBuilder out = new StringBuilder();
        write(value, out);
        return out.toString();
    }

    private static void write(Object value, StringBuilder out) {
        if (value == null || value instanceof Boolean || value instanceof Number) {
            out.append(value);
        } else if (value instanceof Map<?, ?> map) {
            String before = "{";
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                out.append(before);
                quote(String.valueOf(entry.getKey()), out);
                out.append(':');
                write(entry.getValue(), out);
                before = ",";
            }
            out.append(map.isEmpty() ? "{}" : "}");
        } else if (value instanceof Iterable<?> list) {
            out.append('[');
            String before = "";
            for (Object one : list) {
                out.append(before);
                write(one, out);
                before = ",";
            }
            out.append(']');
        } else if (value instanceof Object[] array) {
            write(List.of(array), out);
        } else {
            quote(value.toString(), out);
        }
    }

    private static void quote(String text, StringBuilder out) {
        out.append('"');
        for (char c : text.toCharArray()) {
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                default -> {
                    if (c < ' ') {
                        out.append(String.format("\\u%04x", (int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }

    private Object value() {
        blanks();
        if (at == text.length()) {
            throw fault();
        }
        char c = text.charAt(at);
        return switch (c) {
            case '{' -> members();
            case '[' -> items();
            case '"' -> string();
            case 't' -> word("true", Boolean.TRUE);
            case 'f' -> word("false", Boolean.FALSE);
            case 'n' -> word("null", null);
            default -> number();
        };
    }

    private Map<String, Object> members() {
        Map<String, Object> found = new LinkedHashMap<>();
        at += 1;
        blanks();
        while (!take('}')) {
            if (!found.isEmpty()) {
                expect(',');
            }
            blanks();
            String name = string();
            blanks();
            expect(':');
            found.put(name, value());
            blanks();
        }
        return found;
    }

    private List<Object> items() {
        List<Object> found = new ArrayList<>();
        at += 1;
        blanks();
        while (!take(']')) {
            if (!found.isEmpty()) {
                expect(',');
            }
            found.add(value());
            blanks();
        }
        return found;
    }

    private String string() {
        expect('"');
        StringBuilder found = new StringBuilder();
        while (!take('"')) {
            char c = next();
            if (c != '\\') {
                found.append(c);
                continue;
            }
            char escaped = next();
            switch (escaped) {
                case 'n' -> found.append('\n');
                case 't' -> found.append('\t');
                case 'r' -> found.append('\r');
                case 'b' -> found.append('\b');
                case 'f' -> found.append('\f');
                case 'u' -> {
                    if (at + 4 > text.length()) {
                        throw fault();
                    }
                    found.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
                    at += 4;
                }
                default -> found.append(escaped);
            }
        }
        return found.toString();
    }

    private Object number() {
        int from = at;
        while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) {
            at += 1;
        }
        String digits = text.substring(from, at);
        try {
            return digits.matches("-?\\d{1,18}") ? (Object) Long.valueOf(digits) : new BigDecimal(digits);
        } catch (NumberFormatException none) {
            throw fault();
        }
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) {
            throw fault();
        }
        at += word.length();
        return value;
    }

    private char next() {
        if (at == text.length()) {
            throw fault();
        }
        at += 1;
        return text.charAt(at - 1);
    }

    private boolean take(char c) {
        if (at < text.length() && text.charAt(at) == c) {
            at += 1;
            return true;
        }
        if (at == text.length()) {
            throw fault();
        }
        return false;
    }

    private void expect(char c) {
        if (!take(c)) {
            throw fault();
        }
    }

    private void blanks() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at += 1;
        }
    }

    private IllegalArgumentException fault() {
        return new IllegalArgumentException("no JSON at character " + at);
    }
}
