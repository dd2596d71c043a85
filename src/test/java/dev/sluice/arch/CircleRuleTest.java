package dev.sluice.arch;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * A ratchet: who reads one class of a circle has to read them all, so no package may have a larger one than is written here, and
 * what is written here falls with the circle.
 */
class CircleRuleTest {
    /** Classes in the largest circle of a package that is not listed. */
    private static final int AT_MOST = 4;

    /** The packages with a larger one. A number is never raised. */
    private static final Map<String, Integer> LARGER = Map.of("broker", 8);

    private static final String FIXTURE = "dev.sluice.arch.fixture";
    private static final JavaClasses CLASSES = Classes.ofMain();

    /** A sentence for each package whose largest circle does not have the size that is allowed. */
    private static List<String> breaches(Map<String, Set<String>> circles, int atMost, Map<String, Integer> larger) {
        var breaches = new ArrayList<String>();
        var packages = new TreeSet<>(circles.keySet());
        packages.addAll(larger.keySet());
        for (var name : packages) {
            var circle = circles.getOrDefault(name, Set.of());
            var allowed = larger.getOrDefault(name, atMost);
            if (circle.size() > allowed)
                breaches.add("%s has a circle of %d classes, at most %d are allowed: %s"
                        .formatted(name, circle.size(), allowed, String.join(", ", circle)));
            else if (larger.containsKey(name) && circle.size() <= atMost)
                breaches.add(name + " needs no number of its own any more: delete it");
            else if (larger.containsKey(name) && circle.size() < allowed)
                breaches.add("%s has a circle of only %d classes: lower its number".formatted(name, circle.size()));
        }
        return breaches;
    }

    @Test
    void circlesInsideAPackageOnlyShrink() {
        assertThat(CLASSES).isNotEmpty();
        assertThat(breaches(new Circles("dev.sluice").largest(CLASSES), AT_MOST, LARGER))
                .isEmpty();
    }

    @Test
    void aCircleLeadsThroughNestedClassesAndArrays() {
        var circles = new Circles(FIXTURE).largest(Classes.ofFixture());
        assertThat(circles).isEqualTo(Map.of("uplink", Set.of("First", "Second", "Third")));
    }

    @Test
    void aLargerCircleAndANumberThatIsTooLargeAreTold() {
        Map<String, Set<String>> circle = Map.of("uplink", new TreeSet<>(Set.of("First", "Second", "Third")));
        assertThat(breaches(circle, 3, Map.of())).isEmpty();
        assertThat(breaches(circle, 2, Map.of("uplink", 3))).isEmpty();
        assertThat(breaches(circle, 2, Map.of()))
                .containsExactly("uplink has a circle of 3 classes, at most 2 are allowed: First, Second, Third");
        assertThat(breaches(circle, 1, Map.of("uplink", 2)))
                .containsExactly("uplink has a circle of 3 classes, at most 2 are allowed: First, Second, Third");
        assertThat(breaches(circle, 2, Map.of("uplink", 4)))
                .containsExactly("uplink has a circle of only 3 classes: lower its number");
        assertThat(breaches(circle, 3, Map.of("uplink", 4, "store", 5)))
                .containsExactly(
                        "store needs no number of its own any more: delete it",
                        "uplink needs no number of its own any more: delete it");
    }
}
