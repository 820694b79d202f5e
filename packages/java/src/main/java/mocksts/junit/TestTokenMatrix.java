package mocksts.junit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import org.junit.jupiter.params.provider.ArgumentsSource;

/**
 * Arguments of a {@code @ParameterizedTest}: a {@code TestTokenCase} for a good token, and one for each defect of it. The
 * class has {@link MockSts}.
 */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@Documented
@ArgumentsSource(TestTokenMatrixProvider.class)
public @interface TestTokenMatrix {
    /** The API under test. */
    String audience();

    /** The client that the tokens are for; empty: the server's choice. */
    String clientId() default "";

    /** Who has logged in: a short name or a pid; empty: a machine. */
    String persona() default "";
}
