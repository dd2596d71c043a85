package dev.sluice.nativeimage;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What GraalVM's builder would find out after minutes. */
@Tag("native")
class SubstitutionsTest {
    @Test
    void everySubstitutionFitsTheClassThatIsThere() {
        try (var classes = new ClassFiles(NativeSources.get().jars())) {
            var substitutions = new Substitutions(classes);
            assertThat(substitutions.mistakes()).isEmpty();
            assertThat(substitutions.checked()).isGreaterThan(50);
        }
    }
}
