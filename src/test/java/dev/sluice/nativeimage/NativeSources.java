package dev.sluice.nativeimage;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.quarkus.bootstrap.app.QuarkusBootstrap;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.jar.JarFile;
import java.util.regex.Pattern;

/**
 * What the native profile hands to the builder of the executable, made by Quarkus as that build would make it, without GraalVM: the
 * arguments, and the jars with their registrations. Made once for a build, whichever JVM needs it first; any thread may read it.
 */
final class NativeSources {
    private static final Path TARGET = Path.of("target").toAbsolutePath();
    private static final ObjectMapper JSON = new ObjectMapper();
    private static NativeSources made;

    private final List<Path> jars;
    private final String arguments;
    /** By file name, what the jars say; there are some hundred jars to look into. */
    private final Map<String, List<Object>> configurations = new ConcurrentHashMap<>();

    private NativeSources(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            jars = files.filter(file -> file.toString().endsWith(".jar"))
                    .sorted()
                    .toList();
        }
        arguments = Files.readString(folder.resolve("native-image.args"));
    }

    static synchronized NativeSources get() {
        try {
            if (made == null) made = new NativeSources(make());
            return made;
        } catch (Exception e) {
            throw new IllegalStateException("Quarkus cannot prepare the native executable", e);
        }
    }

    /** Whoever comes while they are made waits. */
    private static Path make() throws Exception {
        var folder = Files.createDirectories(TARGET.resolve("native-check"));
        var marker = folder.resolve("made");
        try (var file = FileChannel.open(marker, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                var _ = file.lock()) {
            if (file.size() == 0 || isChangedSince(Files.getLastModifiedTime(marker))) {
                file.truncate(0);
                augment(folder);
                file.write(ByteBuffer.wrap(new byte[] {1}));
            }
        }
        return folder.resolve("native-sources");
    }

    private static boolean isChangedSince(FileTime time) throws IOException {
        if (Files.getLastModifiedTime(Path.of("pom.xml")).compareTo(time) > 0) return true;
        try (var files = Files.walk(TARGET.resolve("classes"))) {
            return files.anyMatch(file -> file.toFile().lastModified() > time.toMillis());
        }
    }

    private static void augment(Path folder) throws Exception {
        var properties = profile();
        properties.setProperty("quarkus.native.sources-only", "true");
        try (var application = QuarkusBootstrap.builder()
                .setApplicationRoot(TARGET.resolve("classes"))
                .setProjectRoot(TARGET.getParent())
                .setTargetDirectory(folder)
                .setBaseName("sluice")
                .setMode(QuarkusBootstrap.Mode.PROD)
                .setBuildSystemProperties(properties)
                .setLocalProjectDiscovery(true)
                .setOffline(true)
                .setIsolateDeployment(true)
                .build()
                .bootstrap()) {
            application.createAugmentor().createProductionApplication();
        }
    }

    /** The properties of the pom's native profile. */
    private static Properties profile() throws IOException {
        var pom = Files.readString(Path.of("pom.xml"));
        var profile = pom.substring(pom.indexOf("<id>native</id>"));
        var properties = new Properties();
        Pattern.compile("<(quarkus\\.[\\w.-]+)>([^<]+)</\\1>")
                .matcher(profile.substring(0, profile.indexOf("</properties>")))
                .results()
                .forEach(property -> properties.setProperty(property.group(1), property.group(2)));
        return properties;
    }

    List<Path> jars() {
        return jars;
    }

    /** The jar of our own classes and of what Quarkus has generated. */
    Path application() {
        return jars.stream()
                .filter(jar -> jar.endsWith("native-sources/sluice.jar"))
                .findFirst()
                .orElseThrow();
    }

    /** The jar whose name contains this. */
    Path jar(String name) {
        return jars.stream()
                .filter(jar -> jar.getFileName().toString().contains(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no jar of " + name));
    }

    String arguments() {
        return arguments;
    }

    /** The classes whose constructors without arguments can be called by reflection. */
    Set<String> constructible() {
        return registered("reflect-config.json", "allDeclaredConstructors");
    }

    /** The classes whose fields native code can reach. */
    Set<String> reachableFromNativeCode() {
        return registered("jni-config.json", "allDeclaredFields");
    }

    private Set<String> registered(String file, String right) {
        var names = new TreeSet<String>();
        for (var list : configurations(file))
            for (var entry : (Collection<?>) list)
                if (entry instanceof Map<?, ?> type
                        && (Boolean.TRUE.equals(type.get(right)) || hasConstructor(type.get("methods"))))
                    names.add(type.get("name").toString());
        return names;
    }

    private static boolean hasConstructor(Object methods) {
        return methods instanceof Collection<?> all
                && all.stream().anyMatch(it -> it instanceof Map<?, ?> method && "<init>".equals(method.get("name")));
    }

    /** The patterns of the resources that are included. */
    List<Pattern> resources() {
        var patterns = new ArrayList<Pattern>();
        for (var configuration : configurations("resource-config.json"))
            if (((Map<?, ?>) configuration).get("resources") instanceof Map<?, ?> resources)
                for (var include : (Collection<?>) resources.get("includes"))
                    patterns.add(
                            Pattern.compile(((Map<?, ?>) include).get("pattern").toString()));
        return patterns;
    }

    private List<Object> configurations(String file) {
        return configurations.computeIfAbsent(file, this::readConfigurations);
    }

    private List<Object> readConfigurations(String file) {
        var found = new HashMap<String, Object>();
        for (var jar : jars)
            for (var name : entries(jar))
                if (name.matches("META-INF/native-image/(.*/)?" + Pattern.quote(file)) && !isExcluded(jar, name))
                    found.put(jar + "!" + name, json(jar, name));
        return List.copyOf(found.values());
    }

    /** As the builder reads `--exclude-config JAR RESOURCE`, one argument a line. */
    private boolean isExcluded(Path jar, String name) {
        var words = arguments.split("\\s+");
        for (int i = 0; i < words.length - 2; i++)
            if (words[i].equals("--exclude-config")
                    && Pattern.compile(words[i + 1]).matcher(jar.toString()).find()
                    && Pattern.compile(words[i + 2]).matcher("/" + name).find()) return true;
        return false;
    }

    /** The classes that a list of registrations names. */
    static List<String> names(Path jar, String list) {
        return ((Collection<?>) json(jar, list))
                .stream().map(it -> ((Map<?, ?>) it).get("name").toString()).toList();
    }

    static List<String> entries(Path jar) {
        try (var file = new JarFile(jar.toFile())) {
            return file.stream().map(entry -> entry.getName()).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static byte[] bytes(Path jar, String entry) {
        try (var file = new JarFile(jar.toFile());
                var in = file.getInputStream(file.getEntry(entry))) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Object json(Path jar, String entry) {
        try {
            return JSON.readValue(bytes(jar, entry), Object.class);
        } catch (IOException e) {
            throw new IllegalStateException(jar + "!" + entry, e);
        }
    }
}
