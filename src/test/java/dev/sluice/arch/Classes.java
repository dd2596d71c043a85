package dev.sluice.arch;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;

/**
 * The classes that the build has made, read once for all the rules of a JVM. They are read by folder: by package, each jar of the
 * class path is gone through. Immutable.
 */
public final class Classes {
    private static final String MAIN = "target/classes/dev/sluice";

    private Classes() {}

    /** The gateway's. */
    static JavaClasses ofMain() {
        return Main.ALL;
    }

    /** Those of the tests, which lead to the gateway's. */
    static JavaClasses ofTests() {
        return Tests.ALL;
    }

    /** The gateway's that are below one package of it, by themselves. */
    public static JavaClasses ofMain(String folder) {
        return below(MAIN + "/" + folder);
    }

    /** Those that are there to break the rules. */
    static JavaClasses ofFixture() {
        return below("target/test-classes/dev/sluice/arch/fixture");
    }

    private static JavaClasses below(String folder) {
        var classes = new ClassFileImporter().importPath(Repository.path(folder));
        if (classes.isEmpty()) throw new AssertionError(folder + " has no classes");
        return classes;
    }

    private static final class Main {
        static final JavaClasses ALL = below(MAIN);
    }

    private static final class Tests {
        static final JavaClasses ALL = below("target/test-classes/dev/sluice");
    }
}
