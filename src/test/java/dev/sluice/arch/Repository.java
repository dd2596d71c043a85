package dev.sluice.arch;

import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;

/** Reads what the repository holds besides classes, by paths from its root. Stateless. */
final class Repository {
    private Repository() {}

    static Path path(String name) {
        return Path.of(name);
    }

    static String text(String name) {
        try {
            return Files.readString(path(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The README and the pages of docs/, one after the other. */
    static String documentation() {
        return Stream.concat(Stream.of(path("README.md")), files("docs", ".md").stream())
                .map(page -> text(page.toString()))
                .collect(Collectors.joining("\n"));
    }

    static List<Path> files(String folder, String ending) {
        try (var files = Files.walk(path(folder))) {
            return files.filter(file -> file.toString().endsWith(ending))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A YAML document; a key that is there twice is a mistake. */
    static Node yaml(String name) {
        var options = new LoaderOptions();
        options.setAllowDuplicateKeys(false);
        return new Node(name, new Yaml(options).load(text(name)));
    }

    static Properties properties(String name) {
        var properties = new Properties();
        try {
            properties.load(new StringReader(text(name)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return properties;
    }

    /** The text of the first element of this name in the pom. */
    static String pom(String element) {
        var found = Pattern.compile("<%1$s>([^<]+)</%1$s>".formatted(Pattern.quote(element)))
                .matcher(text("pom.xml"));
        if (!found.find()) throw new AssertionError("pom.xml has no <" + element + ">");
        return found.group(1);
    }
}
