package dev.sluice.arch;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The house: which package lies on which floor, and what a class of it may be called and import. Each rule answers with
 * a sentence for each breach.
 *
 * @param root the package that the packages of the table are in; the fixtures have one of their own
 */
record House(String root) {
    private static final Set<String> DRIVERS = Set.of("endpoint", "downlink", "admin", "ops", "tools");
    private static final Set<String> PURE = Set.of("session", "codec", "topic", "packet");
    private static final String CONFIG = "config";
    /** What every package may import that is not pure. */
    private static final Set<String> GROUND = Set.of(CONFIG, "clock");
    /** From the street to the cellar; packages on one floor do not import each other, but for the pure ones. */
    private static final List<Set<String>> FLOORS = List.of(
            DRIVERS,
            Set.of("broker"),
            Set.of("broker.routing"),
            Set.of("cluster.relay", "cluster.node"),
            Set.of("cluster"),
            Set.of("access.token", "access.credential"),
            Set.of("uplink", "access"),
            Set.of("access.limit"),
            Set.of("uplink.spool"),
            Set.of("uplink.record", "uplink.producer"),
            Set.of("uplink.route"),
            Set.of("uplink.contract"),
            Set.of("store.spool"),
            Set.of("store.journal"),
            Set.of("store.node"),
            Set.of(
                    "store.session",
                    "store.delivery",
                    "store.route",
                    "store.rule",
                    "store.credential",
                    "store.audit",
                    "store.admin"),
            Set.of("store"),
            Set.of("access.secret"),
            Set.of("access.rule"),
            PURE,
            GROUND);

    private static final Set<String> KAFKA = Set.of("uplink", "downlink", "cluster", "tools");
    /** What only these packages, and the rooms of these wings, may import. */
    private static final Map<String, Set<String>> KEPT = Map.ofEntries(
            Map.entry("io.vertx.core.http", Set.of("endpoint", "admin")),
            Map.entry("jakarta.persistence", Set.of("store")),
            Map.entry("org.hibernate", Set.of("store")),
            Map.entry("io.quarkus.hibernate", Set.of("store")),
            Map.entry("io.quarkus.panache", Set.of("store")),
            Map.entry("org.apache.kafka", KAFKA),
            Map.entry("org.eclipse.microprofile.reactive.messaging", KAFKA),
            Map.entry("io.smallrye.reactive.messaging", KAFKA),
            Map.entry("com.nimbusds", Set.of("access")),
            Map.entry("jakarta.ws.rs", Set.of("admin")),
            Map.entry("picocli", Set.of("tools")));

    private static final List<String> SUFFIXES =
            List.of("Impl", "Manager", "Helper", "Util", "Utils", "Service", "Factory");

    /** A class in a package that the table does not know. */
    List<String> strangers(JavaClasses classes) {
        return classes.stream()
                .filter(it -> floor(room(it)).isEmpty())
                .map(it -> it.getName() + " is in a package that the house does not have")
                .toList();
    }

    /** An import that does not point downwards. */
    List<String> climbs(JavaClasses classes) {
        return imports(classes)
                .filter(it -> isOurs(it.getTargetClass()) && !mayImport(it))
                .map(it -> sentence(it, "which does not lie below it"))
                .distinct()
                .toList();
    }

    private boolean mayImport(Dependency dependency) {
        var from = room(dependency.getOriginClass());
        var to = room(target(dependency));
        if (from.equals(to)) return true;
        if (PURE.contains(from)) return PURE.contains(to);
        return GROUND.contains(to) && !GROUND.contains(from)
                || floor(from).orElse(FLOORS.size()) < floor(to).orElse(0);
    }

    /** A pure class that imports anything but java.* and pure classes. */
    List<String> impurities(JavaClasses classes) {
        return imports(classes)
                .filter(it -> PURE.contains(room(it.getOriginClass())))
                .filter(it -> !isOurs(it.getTargetClass())
                        && !isBelow("java", target(it).getPackageName()))
                .map(it -> sentence(it, "which is not pure"))
                .distinct()
                .toList();
    }

    /** An import of a framework outside of the packages that it is kept in. */
    List<String> leaks(JavaClasses classes) {
        return imports(classes)
                .filter(it -> KEPT.entrySet().stream()
                        .anyMatch(kept -> isBelow(kept.getKey(), target(it).getPackageName())
                                && !kept.getValue().contains(wing(it.getOriginClass()))))
                .map(it -> sentence(it, "which is kept in other packages"))
                .distinct()
                .toList();
    }

    /** A type with a name that says nothing. */
    List<String> emptyNames(JavaClasses classes) {
        return classes.stream()
                .filter(it -> SUFFIXES.stream().anyMatch(it.getSimpleName()::endsWith)
                        || it.getSimpleName().startsWith("Abstract"))
                .map(it -> it.getName() + " has a name that says nothing")
                .toList();
    }

    /**
     * An interface with fewer than two implementations. One is enough on a floor above it: that is how a lower floor
     * calls a higher one. What lambdas or the configuration implement is not counted.
     */
    List<String> lonelyInterfaces(JavaClasses classes) {
        return classes.stream()
                .filter(it -> it.isInterface() && !it.isAnnotation() && !room(it).equals(CONFIG))
                .filter(it -> !it.getSimpleName().equals("package-info"))
                .filter(it -> !it.isAnnotatedWith(FunctionalInterface.class))
                .filter(it -> !isImplementedTwiceOrAbove(it))
                .map(it -> it.getName() + " is an interface without two implementations")
                .toList();
    }

    private boolean isImplementedTwiceOrAbove(JavaClass type) {
        var implementations =
                type.getAllSubclasses().stream().filter(it -> !it.isInterface()).toList();
        return implementations.size() > 1 || implementations.stream().anyMatch(it -> !room(it).equals(room(type)));
    }

    private static Stream<Dependency> imports(JavaClasses classes) {
        return classes.stream()
                .filter(it -> !it.getModifiers().contains(JavaModifier.SYNTHETIC))
                .flatMap(it -> it.getDirectDependenciesFromSelf().stream());
    }

    private boolean isOurs(JavaClass type) {
        return isBelow(root, type.getBaseComponentType().getPackageName());
    }

    private static JavaClass target(Dependency dependency) {
        return dependency.getTargetClass().getBaseComponentType();
    }

    private static boolean isBelow(String parent, String packageName) {
        return packageName.equals(parent) || packageName.startsWith(parent + ".");
    }

    /** The first part of the package of a class: its wing, if it is in a room of one. */
    private String wing(JavaClass type) {
        return room(type).replaceFirst("\\..*", "");
    }

    /** The package of a class as the table calls it. */
    private String room(JavaClass type) {
        var packageName = type.getPackageName();
        if (!packageName.startsWith(root + ".")) return "";
        return packageName.substring(root.length() + 1);
    }

    private static Optional<Integer> floor(String room) {
        return FLOORS.stream()
                .filter(floor -> floor.contains(room))
                .map(FLOORS::indexOf)
                .findFirst();
    }

    private static String sentence(Dependency dependency, String breach) {
        return dependency.getOriginClass().getName() + " imports "
                + target(dependency).getName() + ", " + breach;
    }
}
