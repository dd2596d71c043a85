package dev.sluice.nativeimage;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.AccessFlag;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Resources that are read by name, and what the codecs' native libraries reach for: the executable has what is named when it is built. And
 * what GraalVM's builder would find out after minutes.
 */
@Tag("native")
class NativeResourcesTest {
    private static final NativeSources SOURCES = NativeSources.get();
    /** What the library of zstd looks up, by the names in it. */
    private static final Set<String> FIELDS = Set.of("nativePtr", "srcPos", "dstPos", "consumed", "produced");

    private static void assertIncluded(Path jar, String names) {
        var patterns = SOURCES.resources();
        var wanted = NativeSources.entries(jar).stream()
                .filter(it -> it.matches(names))
                .toList();
        assertThat(wanted).as("%s in %s", names, jar.getFileName()).isNotEmpty();
        assertThat(wanted).as("resources that are read by name").allMatch(it -> patterns.stream()
                .anyMatch(pattern -> pattern.matcher(it).matches()));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "db/migrations/.+",
                "dev/sluice/tools/version.properties",
                "META-INF/services/io.netty.bootstrap.+"
            })
    void whatWeReadByNameIsIncluded(String names) {
        assertIncluded(SOURCES.application(), names);
    }

    @ParameterizedTest
    @CsvSource({
        "zstd-jni, linux/(amd64|aarch64)/.+",
        "snappy-java, org/xerial/snappy/native/Linux/(x86_64|aarch64)/.+",
        "json-schema-validator, (draft|ucd).*[^/]",
        "json-schema-validator, jsv-messages(_en)?.properties"
    })
    void whatALibraryReadsIsIncluded(String jar, String names) {
        assertIncluded(SOURCES.jar(jar), names);
    }

    /** Each of the other systems' is a library of up to a megabyte. */
    @Test
    void noLibraryOfAnotherSystemIsIncluded() {
        for (var jar : List.of("zstd-jni", "snappy-java", "lz4-java"))
            assertThat(NativeSources.entries(SOURCES.jar(jar)))
                    .filteredOn(
                            it -> it.matches("(?i).*(win|darwin|mac|aix|freebsd|sunos).*\\.(so|dll|dylib|a|jnilib)"))
                    .filteredOn(it -> SOURCES.resources().stream()
                            .anyMatch(pattern -> pattern.matcher(it).matches()))
                    .isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"zstd-jni, com.github.luben.zstd", "snappy-java, org.xerial.snappy"})
    void aCodecsClassesAreReachableFromItsLibraryAndInitialisedWhenItIsNeeded(String jar, String packageName) {
        try (var classes = new ClassFiles(List.of(SOURCES.jar(jar)))) {
            var met = classes.mentioning("")
                    .filter(it -> it.methods().stream()
                                    .anyMatch(method -> method.flags().has(AccessFlag.NATIVE))
                            || it.fields().stream()
                                    .anyMatch(field ->
                                            FIELDS.contains(field.fieldName().stringValue())))
                    .map(it -> it.thisClass().asInternalName().replace('/', '.'))
                    .toList();
            assertThat(met).isNotEmpty();
            assertThat(SOURCES.reachableFromNativeCode())
                    .as("classes registered for native code")
                    .containsAll(met);
        }
        var properties = "META-INF/native-image/dev.sluice/sluice/native-image.properties";
        assertThat(new String(NativeSources.bytes(SOURCES.application(), properties)).lines())
                .filteredOn(line -> line.startsWith("Args ="))
                .singleElement()
                .asString()
                .containsPattern("--initialize-at-run-time=\\S*\\b" + packageName.replace(".", "\\."));
    }

    /** As the native profile of the pom and application.properties have it. */
    @Test
    void theBuilderIsToldWhatTheProfileSays() {
        assertThat(SOURCES.arguments())
                .contains("--static-nolibc", "-J-Dvertx.disableWebsockets=true", "--enable-monitoring=heapdump,jfr");
        assertThat(NativeSources.entries(SOURCES.jar("quarkus-kafka-client")))
                .noneMatch(it -> it.contains("RemoveJMXAccess"));
    }

    @Test
    void everySubstitutionFitsTheClassThatIsThere() {
        try (var classes = new ClassFiles(SOURCES.jars())) {
            var substitutions = new Substitutions(classes);
            assertThat(substitutions.mistakes()).isEmpty();
            assertThat(substitutions.checked()).isGreaterThan(50);
        }
    }
}
