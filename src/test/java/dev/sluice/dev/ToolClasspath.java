package dev.sluice.dev;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Map;

/** Where this build put its output, and how to start another JVM from it; stateless. */
final class ToolClasspath {
    private ToolClasspath() {}

    /** The build's output folder. */
    static Path target() {
        try {
            var classes =
                    ToolClasspath.class.getProtectionDomain().getCodeSource().getLocation();
            return Path.of(classes.toURI()).getParent();
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A file beside the tools' classes. */
    static Path resource(String name) {
        return target().resolve("test-classes/dev/sluice/dev").resolve(name);
    }

    static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    /** The class path of this JVM, in the environment, where it does not fill the process list. */
    static Map<String, String> environment() {
        // The tests' JVM is started from a jar that only names the real class path.
        var path = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        return Map.of("CLASSPATH", path);
    }
}
