package dev.sluice.arch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** No file of the tree holds a secret: only forms that nothing else has are looked for. */
class SecretsTest {
    private static final Set<String> NOT_OURS =
            Set.of(".git", "target", "node_modules", ".sluice", ".idea", ".vscode", ".jazzer-corpus", "__pycache__");
    private static final long LARGEST = 2_000_000;

    /**
     * What a kind of secret looks like.
     *
     * @param marks of which it has one: to look for these takes a tenth of the time
     */
    private record Form(Pattern pattern, String... marks) {
        Form(String pattern, String... marks) {
            this(Pattern.compile(pattern), marks);
        }

        boolean isIn(String text) {
            return Arrays.stream(marks).anyMatch(text::contains)
                    && pattern.matcher(text).find();
        }
    }

    private static final Map<String, Form> FORMS = Map.of(
            "private key", new Form("-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\\s*[A-Za-z0-9+/]{40}", "PRIVATE KEY-----"),
            "key of AWS", new Form("\\b(?:AKIA|ASIA)[0-9A-Z]{16}\\b", "AKIA", "ASIA"),
            "token of GitHub",
                    new Form(
                            "\\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\\w{60,})",
                            "ghp_",
                            "gho_",
                            "ghu_",
                            "ghs_",
                            "ghr_",
                            "github_pat_"),
            "key of Google", new Form("\\bAIza[\\w-]{35}\\b", "AIza"),
            "token of Slack", new Form("\\bxox[abprs]-[0-9A-Za-z-]{20,}", "xox"),
            "signed JWT", new Form("\\beyJ[\\w-]{10,}\\.eyJ[\\w-]{10,}\\.[\\w-]{20,}", ".eyJ"),
            "password in a URL", new Form("://[^\\s:/@\"'{}$<]+:[^\\s:/@\"'{}$<]{8,}@[\\w.-]+", "://"));

    private static List<String> found(String text) {
        var found = new ArrayList<String>();
        FORMS.forEach((name, form) -> {
            if (form.isIn(text)) found.add(name);
        });
        return found;
    }

    private static List<Path> files() throws IOException {
        var files = new ArrayList<Path>();
        Files.walkFileTree(Repository.path("."), new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
                return NOT_OURS.contains(String.valueOf(folder.getFileName()))
                        ? FileVisitResult.SKIP_SUBTREE
                        : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                if (attributes.isRegularFile() && attributes.size() < LARGEST) files.add(file);
                return FileVisitResult.CONTINUE;
            }
        });
        return files;
    }

    @Test
    void noFileHoldsASecret() throws IOException {
        var secrets = new TreeMap<Path, List<String>>();
        var files = files();
        for (var file : files) {
            var found = found(new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1));
            if (!found.isEmpty()) secrets.put(file, found);
        }
        assertThat(files).hasSizeGreaterThan(300);
        assertThat(secrets).isEmpty();
    }

    /** Put together here, so that this file holds none. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "-----BEGIN @PRIVATE KEY-----\n#",
                "-----BEGIN EC @PRIVATE KEY-----\n#",
                "id=AKIA@IOSFODNN7EXAMPLE",
                "ghp_@0123456789abcdefghijklmnopqrstuvwxyz",
                "AIza@0123456789abcdefghijklmnopqrstuvwxy",
                "xoxb@-0123456789-0123456789ab",
                "eyJ@hbGciOiJIUzI1NiJ9.eyJzdWIiOiJ0cnVjayJ9.0123456789abcdefghij",
                "jdbc:postgresql://sluice:@correcthorse@db.example/sluice"
            })
    void aSecretIsFound(String text) {
        assertThat(found(text.replaceFirst("@", "").replace("#", "MIGHAgEA".repeat(6))))
                .hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-----BEGIN PRIVATE KEY-----",
                "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIIBszCCAVmgAwIBAgIIBszCCAVmgA",
                "https://example.com:8443/path@version",
                "amqp://user:${PASSWORD}@host",
                "eyJhbGciOiJIUzI1NiJ9"
            })
    void whatIsNoneIsNot(String text) {
        assertThat(found(text)).isEmpty();
    }
}
