package mocksts.junit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** A parameter that is a {@code HelseIdClient}, registered with a key made for it: a machine, or one that logs people in. */
@Target(ElementType.PARAMETER)
@Retention(RetentionPolicy.RUNTIME)
@Documented
public @interface Client {
    /** Its id; empty: a random one. */
    String value() default "";

    /** Where logins end; none: it is a machine. */
    String[] redirectUris() default {};

    /** Its scopes; none: those of the demo. */
    String[] scope() default {};
}
