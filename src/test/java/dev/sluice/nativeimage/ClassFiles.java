package dev.sluice.nativeimage;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.jar.JarFile;
import java.util.stream.Stream;

/** The classes of some jars and of the JDK, as class files. The first jar that has a class wins. Used by one thread. */
final class ClassFiles implements AutoCloseable {
    private static final Path JDK =
            FileSystems.getFileSystem(URI.create("jrt:/")).getPath("/packages");

    private final Map<String, Path> origins = new HashMap<>();
    private final Map<Path, JarFile> open = new HashMap<>();
    private final URLClassLoader loader;

    ClassFiles(List<Path> jars) {
        for (var jar : jars)
            for (var entry : NativeSources.entries(jar))
                if (entry.endsWith(".class") && !entry.startsWith("META-INF/") && !entry.endsWith("-info.class"))
                    origins.putIfAbsent(
                            entry.substring(0, entry.length() - ".class".length())
                                    .replace('/', '.'),
                            jar);
        loader = new URLClassLoader(
                jars.stream().map(ClassFiles::url).toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
    }

    private static URL url(Path jar) {
        try {
            return jar.toUri().toURL();
        } catch (MalformedURLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Loads them, without the class path of the tests. */
    ClassLoader loader() {
        return loader;
    }

    /** Those of the jars whose constant pool holds this text. */
    Stream<ClassModel> mentioning(String text) {
        return names().map(this::bytes)
                .filter(bytes -> new String(bytes, StandardCharsets.ISO_8859_1).contains(text))
                .map(bytes -> ClassFile.of().parse(bytes));
    }

    private byte[] bytes(String name) {
        try {
            var jar = origins.get(name);
            if (!open.containsKey(jar)) open.put(jar, new JarFile(jar.toFile()));
            var file = open.get(jar);
            try (var in = file.getInputStream(file.getEntry(name.replace('.', '/') + ".class"))) {
                return in.readAllBytes();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether one of the jars has it. */
    boolean has(String name) {
        return origins.containsKey(name);
    }

    Stream<String> names() {
        return origins.keySet().stream().sorted();
    }

    /** The jar's name without its path; `the JDK` for what is in none. */
    String origin(String name) {
        var jar = origins.get(name);
        return jar == null ? "the JDK" : jar.getFileName().toString();
    }

    Optional<ClassModel> find(String name) {
        return origins.containsKey(name) ? Optional.of(ClassFile.of().parse(bytes(name))) : jdk(name);
    }

    private static Optional<ClassModel> jdk(String name) {
        var dot = name.lastIndexOf('.');
        if (dot < 0) return Optional.empty();
        var modules = JDK.resolve(name.substring(0, dot));
        if (!Files.exists(modules)) return Optional.empty();
        try (var found = Files.list(modules)) {
            for (var module : found.toList()) {
                var file = module.resolve(name.replace('.', '/') + ".class");
                if (Files.exists(file)) return Optional.of(ClassFile.of().parse(Files.readAllBytes(file)));
            }
            return Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            loader.close();
            for (var jar : open.values()) jar.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
