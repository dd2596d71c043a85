package dev.sluice.arch;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Tags are what {@code ./sluice unit} and the suite choose tests by. */
class TagRuleTest {
    private static final JavaClasses CLASSES = Classes.ofTests();

    /** Its name, so that this test does not lead to it. */
    private static final String POSTGRES = "dev.sluice.store.EmbeddedServer";

    @Test
    void aTestThatStartsPostgresSaysSo() {
        var starting = CLASSES.stream()
                .filter(type -> type.getSimpleName().endsWith("Test") && starts(type))
                .toList();
        assertThat(starting).hasSizeGreaterThan(10);
        assertThat(starting).allSatisfy(type -> assertThat(tags(type)).containsAnyOf("postgres", "bench"));
    }

    @Test
    void aBenchmarkSaysSo() {
        assertThat(CLASSES.stream().filter(type -> type.getSimpleName().endsWith("ThroughputTest")))
                .hasSizeGreaterThan(1)
                .allSatisfy(type -> assertThat(tags(type)).containsExactly("bench"));
    }

    /** A tag that nobody knows would choose nothing, and say nothing. */
    @Test
    void aTagIsOneOfThese() {
        var tags = CLASSES.stream()
                .flatMap(type -> Stream.concat(
                        tags(type).stream(),
                        type.getMethods().stream()
                                .flatMap(method -> Stream.of(method.reflect().getAnnotationsByType(Tag.class)))
                                .map(Tag::value)));
        assertThat(tags.distinct()).containsExactlyInAnyOrder("bench", "foreign", "fuzz", "long", "native", "postgres");
    }

    private static List<String> tags(JavaClass type) {
        return List.of(type.reflect().getAnnotationsByType(Tag.class)).stream()
                .map(Tag::value)
                .toList();
    }

    /** Whether the class leads to the embedded PostgreSQL over classes of the tests. */
    private static boolean starts(JavaClass test) {
        var seen = new HashSet<JavaClass>(Set.of(test));
        var next = new ArrayDeque<JavaClass>(seen);
        while (!next.isEmpty()) {
            var type = next.poll();
            if (type.getName().equals(POSTGRES)) return true;
            type.getDirectDependenciesFromSelf().stream()
                    .map(Dependency::getTargetClass)
                    .map(JavaClass::getBaseComponentType)
                    .filter(target -> target.getPackageName().startsWith("dev.sluice"))
                    .filter(seen::add)
                    .forEach(next::add);
        }
        return false;
    }
}
