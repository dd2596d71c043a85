package dev.sluice.support;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** The normative statements that a test proves, by the ids of the ledgers {@code spec/mqtt-5.0.txt} and {@code spec/mqtt-3.1.1.txt}. */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
public @interface Spec {
    /** Statements of MQTT 5.0. */
    String[] value() default {};

    /** Statements of MQTT 3.1.1. */
    String[] v311() default {};
}
