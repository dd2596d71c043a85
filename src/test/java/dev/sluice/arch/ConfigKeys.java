package dev.sluice.arch;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** Every key of the configuration interfaces with its default, by reflection. Stateless. */
final class ConfigKeys {
    static final String NONE = "none";
    static final String REQUIRED = "required";
    private static final Set<Class<?>> OPTIONAL = Set.of(Optional.class, OptionalLong.class);

    private static final Map<String, String> DEFAULTS = Collections.unmodifiableMap(read());

    private ConfigKeys() {}

    /** Key to default; a key below a map has {@code <name>} in it. */
    static Map<String, String> defaults() {
        return DEFAULTS;
    }

    private static Map<String, String> read() {
        var keys = new TreeMap<String, String>();
        for (var type : Classes.ofMain("config")) {
            if (type.isAnnotatedWith(ConfigMapping.class)) {
                var mapping = type.reflect();
                add(mapping.getAnnotation(ConfigMapping.class).prefix(), mapping, keys);
            }
        }
        return keys;
    }

    private static void add(String prefix, Class<?> mapping, Map<String, String> keys) {
        for (var method : mapping.getMethods()) {
            var key = prefix + "." + name(method);
            if (method.getReturnType() != Map.class) keys.put(key, defaultOf(method));
            else if (valueOf(method) == String.class) keys.put(key + ".<name>", NONE);
            else add(key + ".<name>", valueOf(method), keys);
        }
    }

    private static String name(Method method) {
        var name = method.getAnnotation(WithName.class);
        if (name != null) return name.value();
        return method.getName().replaceAll("([A-Z])", "-$1").toLowerCase(java.util.Locale.ROOT);
    }

    private static Class<?> valueOf(Method method) {
        var arguments = ((ParameterizedType) method.getGenericReturnType()).getActualTypeArguments();
        return (Class<?>) arguments[1];
    }

    private static String defaultOf(Method method) {
        var standard = method.getAnnotation(WithDefault.class);
        if (standard != null) return standard.value();
        return OPTIONAL.contains(method.getReturnType()) ? NONE : REQUIRED;
    }

    /** Matches the environment variables that stand for a key. */
    static Pattern variable(String key) {
        var name = key.toUpperCase(java.util.Locale.ROOT)
                .replace("<NAME>", "@")
                .replaceAll("[^A-Z0-9@]", "_")
                .replace("@", "[A-Z0-9_]+");
        return Pattern.compile(name);
    }
}
