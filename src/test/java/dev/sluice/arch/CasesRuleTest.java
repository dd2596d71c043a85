package dev.sluice.arch;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Integration tests that share a gateway are abstract classes, nested in one test that starts it: nobody would run others. */
class CasesRuleTest {
    @Test
    void casesAreNestedInATest() {
        var cases = Classes.ofTests().stream()
                .filter(type -> type.getSimpleName().endsWith("Cases"))
                .toList();
        assertThat(cases).hasSizeGreaterThan(10).allSatisfy(type -> {
            assertThat(type.getModifiers()).contains(JavaModifier.ABSTRACT);
            assertThat(type.getSubclasses()).singleElement().matches(CasesRuleTest::isNestedInATest);
        });
    }

    private static boolean isNestedInATest(JavaClass type) {
        return type.isAnnotatedWith(Nested.class)
                && type.getEnclosingClass().orElseThrow().getSimpleName().endsWith("IT");
    }
}
