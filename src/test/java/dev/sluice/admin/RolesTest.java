package dev.sluice.admin;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.arch.Classes;
import jakarta.ws.rs.HttpMethod;
import jakarta.ws.rs.Path;
import java.lang.annotation.Annotation;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Each resource says which role it needs; what changes something needs more than to read. */
class RolesTest {
    private static final List<Class<? extends Annotation>> ROLES =
            List.of(Reads.class, Operates.class, Administers.class);

    /** What answers POST and changes nothing. */
    private static final Set<Class<?>> QUESTIONS = Set.of(AccessChecks.class, RouteChecks.class);

    private static Stream<Method> methods() {
        return Classes.ofMain("admin").stream()
                .map(it -> it.reflect())
                .filter(it -> it.isAnnotationPresent(Path.class))
                .flatMap(it -> Arrays.stream(it.getDeclaredMethods()))
                .filter(it -> verb(it) != null);
    }

    /** Null for a method that answers no request. */
    private static String verb(Method method) {
        for (var each : method.getAnnotations()) {
            var verb = each.annotationType().getAnnotation(HttpMethod.class);
            if (verb != null) return verb.value();
        }
        return null;
    }

    @Test
    void eachResourceNeedsOne() {
        assertThat(methods()).hasSizeGreaterThan(15).allSatisfy(method -> assertThat(ROLES)
                .as(method.toString())
                .anyMatch(role -> method.isAnnotationPresent(role)
                        || method.getDeclaringClass().isAnnotationPresent(role)));
    }

    @Test
    void whoOnlyReadsChangesNothing() {
        assertThat(methods()
                        .filter(it -> !verb(it).equals("GET"))
                        .filter(it -> !verb(it).equals("POST") || !QUESTIONS.contains(it.getDeclaringClass())))
                .hasSizeGreaterThan(10)
                .allSatisfy(method -> assertThat(ROLES.subList(1, 3))
                        .as(method.toString())
                        .anyMatch(role -> method.isAnnotationPresent(role)
                                || method.getDeclaringClass().isAnnotationPresent(role)));
    }
}
