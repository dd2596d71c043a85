package dev.sluice.arch;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Circles of classes inside a package: each class of a circle leads to every other one of it. A nested class counts as the class
 * that it is in. Stateless.
 *
 * @param root the package that the names of packages are told without
 */
record Circles(String root) {
    /** The largest circle of each package, with the simple names of its classes; a package without a circle is not there. */
    Map<String, Set<String>> largest(JavaClasses classes) {
        var packages = classes.stream()
                .collect(Collectors.groupingBy(JavaClass::getPackageName, TreeMap::new, Collectors.toList()));
        var largest = new TreeMap<String, Set<String>>();
        packages.forEach((name, members) -> {
            var circle = largest(arrows(members));
            if (circle.size() > 1) largest.put(name.substring(root.length() + 1), circle);
        });
        return largest;
    }

    private static Set<String> largest(Map<String, Set<String>> arrows) {
        var reachable = new HashMap<String, Set<String>>();
        for (var name : arrows.keySet()) reachable.put(name, reachable(name, arrows));
        return arrows.keySet().stream()
                .map(name -> reachable.get(name).stream()
                        .filter(other -> reachable.get(other).contains(name))
                        .collect(Collectors.<String, Set<String>>toCollection(TreeSet::new)))
                .max(Comparator.comparingInt(Set::size))
                .orElse(Set.of());
    }

    /** Where the arrows lead from a class, in any number of steps. */
    private static Set<String> reachable(String from, Map<String, Set<String>> arrows) {
        var reached = new TreeSet<String>();
        var left = new ArrayDeque<>(arrows.get(from));
        while (!left.isEmpty()) {
            var next = left.remove();
            if (reached.add(next)) left.addAll(arrows.getOrDefault(next, Set.of()));
        }
        return reached;
    }

    /** Which classes of one package use which other ones of it. */
    private static Map<String, Set<String>> arrows(List<JavaClass> members) {
        var arrows = new TreeMap<String, Set<String>>();
        for (var member : members) {
            var from = topLevel(member);
            var targets = arrows.computeIfAbsent(from, _ -> new TreeSet<>());
            for (var dependency : member.getDirectDependenciesFromSelf()) {
                var target = dependency.getTargetClass().getBaseComponentType();
                if (target.getPackageName().equals(member.getPackageName())
                        && !topLevel(target).equals(from)) targets.add(topLevel(target));
            }
        }
        return arrows;
    }

    private static String topLevel(JavaClass type) {
        var name = type.getName().substring(type.getPackageName().length() + 1);
        var nested = name.indexOf('$');
        return nested < 0 ? name : name.substring(0, nested);
    }
}
