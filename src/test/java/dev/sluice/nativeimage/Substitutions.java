package dev.sluice.nativeimage;

import java.lang.classfile.Annotation;
import java.lang.classfile.AnnotationElement;
import java.lang.classfile.AnnotationValue;
import java.lang.classfile.AttributedElement;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassModel;
import java.lang.classfile.FieldModel;
import java.lang.classfile.MethodModel;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.reflect.AccessFlag;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Holds GraalVM's substitutions against the classes that they change, by the builder's own rules. A substitution that does not fit ends
 * the build of the executable, after minutes. Used by one thread.
 */
final class Substitutions {
    private static final String ANNOTATIONS = "com.oracle.svm.core.annotate.";
    private static final String PLATFORMS = "org.graalvm.nativeimage.Platforms";
    /** Members with these stand for one that is there. */
    private static final List<String> STAND_FOR =
            List.of("Alias", "Substitute", "Delete", "KeepOriginal", "AnnotateOriginal");

    private final ClassFiles classes;
    private final Map<String, String> targets = new HashMap<>();
    private final List<String> mistakes = new ArrayList<>();
    private int checked;

    Substitutions(ClassFiles classes) {
        this.classes = classes;
    }

    /** How many classes were held against another. */
    int checked() {
        return checked;
    }

    /** A sentence for each member that a substitution names and that its class does not have. */
    List<String> mistakes() {
        var substitutions = classes.mentioning("com/oracle/svm/core/annotate/TargetClass")
                .filter(it -> annotation(it, "TargetClass").isPresent())
                .toList();
        for (var substitution : substitutions)
            target(substitution).ifPresent(it -> targets.put(name(substitution), it));
        substitutions.stream().filter(it -> targets.containsKey(name(it))).forEach(this::check);
        return mistakes;
    }

    private void check(ClassModel substitution) {
        if (!applies(annotation(substitution, "TargetClass").orElseThrow()) || !isForLinux(substitution)) return;
        var name = targets.get(name(substitution));
        // What belongs to the builder itself comes with GraalVM.
        if (name.startsWith("com.oracle.svm.") || name.startsWith("org.graalvm.")) return;
        var original = classes.find(name);
        if (original.isEmpty()) {
            mistakes.add("%s is for the class %s, which is not there".formatted(place(substitution), name));
            return;
        }
        checked++;
        if (has(substitution, "Delete")) return;
        var isWhole = has(substitution, "Substitute");
        for (var method : substitution.methods()) check(substitution, method, original.get(), isWhole);
        for (var field : substitution.fields()) check(substitution, field, original.get(), isWhole);
    }

    private void check(ClassModel substitution, MethodModel method, ClassModel original, boolean isWhole) {
        var standsFor =
                isWhole ? has(method, "KeepOriginal") : STAND_FOR.stream().anyMatch(it -> has(method, it));
        if (!standsFor || !appliesToElement(method) || isOptional(method)) return;
        var name = elementName(method).orElse(method.methodName().stringValue());
        var type = mapped(method.methodTypeSymbol());
        var isFound = original.methods().stream()
                .anyMatch(it -> it.methodName().equalsString(name)
                        && mapped(it.methodTypeSymbol()).equals(type)
                        && it.flags().has(AccessFlag.STATIC) == method.flags().has(AccessFlag.STATIC));
        if (!isFound) tell(substitution, original, "method " + name + type.displayDescriptor());
    }

    private void check(ClassModel substitution, FieldModel field, ClassModel original, boolean isWhole) {
        var standsFor = !isWhole
                && !has(field, "Inject")
                && (has(field, "Alias") || has(field, "Delete") || has(field, "RecomputeFieldValue"));
        if (!standsFor || !appliesToElement(field) || isOptional(field)) return;
        var name = elementName(field).orElse(field.fieldName().stringValue());
        var type = mapped(field.fieldTypeSymbol());
        var isFound = lineage(original)
                .flatMap(it -> it.fields().stream())
                .anyMatch(it -> it.fieldName().equalsString(name)
                        && mapped(it.fieldTypeSymbol()).equals(type)
                        && it.flags().has(AccessFlag.STATIC) == field.flags().has(AccessFlag.STATIC));
        if (!isFound) tell(substitution, original, "field " + type.displayName() + " " + name);
    }

    /** The class and those that it extends: a field may be inherited. */
    private Stream<ClassModel> lineage(ClassModel type) {
        return Stream.iterate(Optional.of(type), Optional::isPresent, it -> it.flatMap(ClassModel::superclass)
                        .flatMap(above -> classes.find(above.asInternalName().replace('/', '.'))))
                .map(Optional::orElseThrow);
    }

    private void tell(ClassModel substitution, ClassModel original, String member) {
        mistakes.add("%s stands for the %s of %s (%s), which has none"
                .formatted(place(substitution), member, name(original), classes.origin(name(original))));
    }

    private String place(ClassModel substitution) {
        return "the substitution %s (%s)".formatted(name(substitution), classes.origin(name(substitution)));
    }

    private static boolean isForLinux(ClassModel substitution) {
        return annotation(substitution, PLATFORMS)
                .map(it -> array(it, "value")
                        .map(platform -> className(((AnnotationValue.OfClass) platform).classSymbol()))
                        .anyMatch(platform -> !platform.matches(".*\\$(WINDOWS|DARWIN|MACOS|IOS).*")))
                .orElse(true);
    }

    /** The class that is substituted; empty where only the builder can tell. */
    private Optional<String> target(ClassModel substitution) {
        var annotation = annotation(substitution, "TargetClass").orElseThrow();
        if (value(annotation, "classNameProvider").isPresent()) return Optional.empty();
        var named = value(annotation, "className")
                .map(it -> ((AnnotationValue.OfString) it).stringValue())
                .or(() ->
                        value(annotation, "value").map(it -> className(((AnnotationValue.OfClass) it).classSymbol())));
        var inner = array(annotation, "innerClass")
                .map(it -> "$" + ((AnnotationValue.OfString) it).stringValue())
                .reduce("", String::concat);
        return named.map(it -> it + inner);
    }

    /** All conditions hold, as far as they can be asked without the builder. */
    private boolean applies(Annotation annotation) {
        return array(annotation, "onlyWith")
                .map(it -> className(((AnnotationValue.OfClass) it).classSymbol()))
                .allMatch(condition -> holds(condition, annotation));
    }

    private boolean holds(String condition, Annotation annotation) {
        try {
            var type = Class.forName(condition, true, classes.loader());
            var constructor = type.getDeclaredConstructor();
            constructor.setAccessible(true);
            return switch (constructor.newInstance()) {
                case BooleanSupplier supplier -> supplier.getAsBoolean();
                case Predicate<?> predicate -> {
                    @SuppressWarnings("unchecked")
                    var ofName = (Predicate<String>) predicate;
                    yield ofName.test(value(annotation, "className")
                            .map(it -> ((AnnotationValue.OfString) it).stringValue())
                            .orElse(""));
                }
                default -> true;
            };
        } catch (ReflectiveOperationException | LinkageError onlyTheBuilderCanTell) {
            return true;
        }
    }

    private boolean appliesToElement(AttributedElement member) {
        return annotation(member, "TargetElement").map(this::applies).orElse(true);
    }

    private static Optional<String> elementName(AttributedElement member) {
        return annotation(member, "TargetElement")
                .flatMap(it -> value(it, "name"))
                .map(it -> ((AnnotationValue.OfString) it).stringValue())
                .filter(it -> !it.isEmpty());
    }

    private static boolean isOptional(AttributedElement member) {
        return Stream.of("Substitute", "Delete")
                .flatMap(it -> annotation(member, it).stream())
                .flatMap(it -> value(it, "optional").stream())
                .anyMatch(it -> it instanceof AnnotationValue.OfBoolean flag && flag.booleanValue());
    }

    /** With the substituted classes in the place of their substitutions. */
    private MethodTypeDesc mapped(MethodTypeDesc type) {
        return MethodTypeDesc.of(
                mapped(type.returnType()),
                type.parameterList().stream().map(this::mapped).toList());
    }

    private ClassDesc mapped(ClassDesc type) {
        if (type.isArray()) return mapped(type.componentType()).arrayType();
        if (type.isPrimitive()) return type;
        var target = targets.get(className(type));
        return target == null ? type : ClassDesc.of(target);
    }

    private static String className(ClassDesc type) {
        return type.packageName().isEmpty() ? type.displayName() : type.packageName() + "." + type.displayName();
    }

    private static String name(ClassModel type) {
        return type.thisClass().asInternalName().replace('/', '.');
    }

    private static boolean has(AttributedElement element, String annotation) {
        return annotation(element, annotation).isPresent();
    }

    private static Optional<Annotation> annotation(AttributedElement element, String name) {
        var visible = element.findAttribute(Attributes.runtimeVisibleAnnotations()).stream()
                .flatMap(it -> it.annotations().stream());
        var invisible = element.findAttribute(Attributes.runtimeInvisibleAnnotations()).stream()
                .flatMap(it -> it.annotations().stream());
        var wanted = ClassDesc.of(name.contains(".") ? name : ANNOTATIONS + name);
        return Stream.concat(visible, invisible)
                .filter(it -> it.classSymbol().equals(wanted))
                .findFirst();
    }

    private static Optional<AnnotationValue> value(Annotation annotation, String name) {
        return annotation.elements().stream()
                .filter(it -> it.name().equalsString(name))
                .map(AnnotationElement::value)
                .findFirst();
    }

    private static Stream<AnnotationValue> array(Annotation annotation, String name) {
        return value(annotation, name).stream()
                .flatMap(it -> it instanceof AnnotationValue.OfArray values ? values.values().stream() : Stream.of(it));
    }
}
