package dev.sluice.arch;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SizeRuleTest {
    @ParameterizedTest
    @ValueSource(strings = {"src/main/java", "src/test/java"})
    void filesAndMethodsAreShort(String folder) {
        assertThat(SourceSize.breaches(Path.of(folder))).isEmpty();
    }

    @Test
    void aFileOf400LinesIsShortAndOneOf401IsNot() {
        assertThat(SourceSize.breaches("class A {}\n" + "\n".repeat(399))).isEmpty();
        assertThat(SourceSize.breaches("class A {}\n" + "\n".repeat(400))).containsExactly("A.java has 401 lines");
    }

    @Test
    void aMethodOf40LinesIsShortAndOneOf41IsNot() {
        assertThat(SourceSize.breaches(method("", 40))).isEmpty();
        assertThat(SourceSize.breaches(method("", 41))).containsExactly("A.java: m has 41 lines");
    }

    @Test
    void annotationsCountAndCommentsAboveDoNot() {
        assertThat(SourceSize.breaches(method("@Deprecated\n", 40))).containsExactly("A.java: m has 41 lines");
        assertThat(SourceSize.breaches(method("/** A comment. */\n", 40))).isEmpty();
    }

    @Test
    void bracesInTextAndCommentsMeanNothing() {
        var method = "void m() {\n var s = \"}\"; // }\n" + "\n".repeat(50) + "}";
        assertThat(SourceSize.breaches("class A {\n" + method + "\n}")).containsExactly("A.java: m has 53 lines");
    }

    @Test
    void methodsOfInnerTypesConstructorsAndInitialisersAreMeasured() {
        var long41 = "{" + "\n".repeat(40) + "}";
        assertThat(SourceSize.breaches("class A { record B(int i) { B " + long41 + " } }"))
                .containsExactly("A.java: <init> has 41 lines");
        assertThat(SourceSize.breaches("class A { static " + long41 + " }"))
                .containsExactly("A.java: an initialiser has 41 lines");
        assertThat(SourceSize.breaches("class A { Object o = new Object() { void m() " + long41 + " }; }"))
                .containsExactly("A.java: m has 41 lines");
    }

    private static String method(String before, int lines) {
        return "class A {\n" + before + "void m() {" + "\n".repeat(lines - 1) + "}\n}\n";
    }
}
