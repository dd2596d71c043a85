package dev.sluice.nativeimage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.instruction.InvokeInstruction;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The executable's classes are initialised where it is built: what they ask of the machine then would be that machine's answer. */
class ClassInitialisationTest {
    /** Calls whose answer, or effect, belongs to the process that runs; the beginnings of `class.method`. */
    private static final List<String> OF_THE_PROCESS = List.of(
            "java/lang/System.getProperty",
            "java/lang/System.getProperties",
            "java/lang/System.getenv",
            "java/lang/System.nanoTime",
            "java/lang/System.currentTimeMillis",
            "java/lang/Boolean.getBoolean",
            "java/lang/Integer.getInteger",
            "java/lang/Long.getLong",
            "java/lang/Runtime.getRuntime",
            "java/lang/Thread.start",
            "java/lang/ProcessHandle.current",
            "java/time/Instant.now",
            "java/time/ZoneId.systemDefault",
            "java/net/InetAddress.",
            "java/nio/charset/Charset.defaultCharset",
            "java/nio/ByteBuffer.allocateDirect",
            "java/util/Locale.getDefault",
            "java/util/Random.<init>",
            "java/util/SplittableRandom.<init>",
            "java/security/SecureRandom.<init>",
            "java/util/UUID.randomUUID",
            "java/util/concurrent/ThreadLocalRandom.current",
            "java/util/concurrent/Executors.",
            "org/eclipse/microprofile/config/ConfigProvider.getConfig");

    private final Map<String, ClassModel> classes = new HashMap<>();

    @Test
    void nothingOfTheBuildingMachineIsAskedFor() throws IOException {
        read(Path.of("target/classes/dev/sluice"));
        assertThat(classes).hasSizeGreaterThan(100);
        assertThat(mistakes()).isEmpty();
    }

    @Test
    void aMistakeIsFoundBehindACallToo() throws IOException {
        read(Path.of("target/test-classes/dev/sluice/nativeimage/fixture"));
        assertThat(mistakes())
                .containsExactly(
                        "dev/sluice/nativeimage/fixture/AsksAtBuildTime asks for java/lang/System.getenv when it is"
                                + " initialised, which is when the native executable is built",
                        "dev/sluice/nativeimage/fixture/AsksAtBuildTime asks for java/lang/System.nanoTime when it is"
                                + " initialised, which is when the native executable is built");
    }

    private void read(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            for (var file : files.filter(it -> it.toString().endsWith(".class")).toList()) {
                var type = ClassFile.of().parse(file);
                classes.put(type.thisClass().asInternalName(), type);
            }
        }
    }

    private TreeSet<String> mistakes() {
        var mistakes = new TreeSet<String>();
        for (var name : classes.keySet())
            calls(name)
                    .filter(call -> OF_THE_PROCESS.stream().anyMatch(call::startsWith))
                    .forEach(call -> mistakes.add("%s asks for %s when it is initialised, which is when the native"
                                    .formatted(name, call.replaceAll("\\(.*", ""))
                            + " executable is built"));
        return mistakes;
    }

    /** What the initialiser calls, through methods of ours that it calls; what a lambda would do later is not followed. */
    private Stream<String> calls(String name) {
        var seen = new HashSet<String>();
        var open = new ArrayDeque<String>();
        open.add(name + ".<clinit>()V");
        while (!open.isEmpty()) for (var call : callsOf(open.remove())) if (seen.add(call)) open.add(call);
        return seen.stream();
    }

    private List<String> callsOf(String method) {
        var owner = method.substring(0, method.indexOf('.'));
        var type = classes.get(owner);
        if (type == null) return List.of();
        return type.methods().stream()
                .filter(it -> method.equals(owner + "." + it.methodName().stringValue()
                        + it.methodType().stringValue()))
                .flatMap(it -> it.code().stream())
                .flatMap(code -> code.elementStream())
                .filter(InvokeInstruction.class::isInstance)
                .map(InvokeInstruction.class::cast)
                .map(it -> it.owner().asInternalName() + "." + it.name().stringValue()
                        + it.type().stringValue())
                .toList();
    }
}
