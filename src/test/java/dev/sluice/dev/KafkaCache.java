package dev.sluice.dev;

import dev.sluice.tools.Complaint;
import dev.sluice.tools.ToolLog;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The AOT cache of Kafka brokers, and the class path that it is for: of jars alone, since no cache fits one with folders; any thread may ask. */
final class KafkaCache {
    private KafkaCache() {}

    static Path made() {
        return AotCache.made("kafka-broker.aot", KafkaCache::write);
    }

    /** Libraries, and our own classes from a jar. */
    static Map<String, String> environment() {
        var libraries = Stream.of(ToolClasspath.environment().get("CLASSPATH").split(File.pathSeparator))
                .filter(entry -> entry.endsWith(".jar"));
        var path = Stream.concat(Stream.of(jar().toString()), libraries);
        return Map.of("CLASSPATH", path.collect(Collectors.joining(File.pathSeparator)));
    }

    private static Path jar() {
        return ToolClasspath.target().resolve("kafka-broker.jar");
    }

    private static void write(Path cache) throws IOException {
        pack();
        var folder = Files.createTempDirectory(ToolClasspath.target(), "train-kafka");
        EmbeddedKafka.train(Ports.free(), folder, List.of(AotCache.LAYOUT, "-XX:AOTCacheOutput=" + cache));
        if (!Files.exists(cache)) {
            var log = folder.resolve("kafka.log");
            throw new Complaint("Kafka wrote no AOT cache. Its log is " + log + ":\n" + ServerProcess.tail(log, 20));
        }
    }

    /** What {@link KafkaBroker} loads of this build. */
    private static void pack() throws IOException {
        try (var jar = new JarOutputStream(Files.newOutputStream(jar()))) {
            for (var name : List.of(KafkaBroker.class.getName(), Ports.class.getName(), ToolLog.class.getName())) {
                var file = name.replace('.', '/') + ".class";
                jar.putNextEntry(new JarEntry(file));
                try (var bytes = KafkaCache.class.getResourceAsStream("/" + file)) {
                    bytes.transferTo(jar);
                }
            }
        }
    }
}
