package dev.sluice.access;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.sluice.access.rule.Rule;
import dev.sluice.access.rule.RuleJson;
import dev.sluice.access.rule.RuleMistakes;
import dev.sluice.access.rule.RuleMistakes.Mistake;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;

/** A file of rules, in JSON if its name says so, else in YAML. Confined to the thread that looks at it. */
final class RulesFile {
    private static final ObjectMapper YAML = YAMLMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();
    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    /** The coarsest clock of a file system. */
    private static final Duration COARSEST = Duration.ofSeconds(3);

    private final Path path;
    private byte[] lastRead = {};
    /** When it was changed last, if nobody can have changed it in the same instant after it was read; else null. */
    private FileTime lastChangedAt;

    RulesFile(Path path) {
        this.path = path;
    }

    /** Whether it is another one than was read last. Its time tells, once that is so long ago that it would tell of a later change, too. */
    boolean hasChanged() {
        try {
            var changedAt = Files.getLastModifiedTime(path);
            if (changedAt.equals(lastChangedAt)) return false;
            if (changedAt.toInstant().isBefore(Instant.now().minus(COARSEST))) lastChangedAt = changedAt;
            return !Arrays.equals(Files.readAllBytes(path), lastRead);
        } catch (IOException _) {
            lastChangedAt = null;
            return lastRead.length > 0;
        }
    }

    /** @throws RuleMistakes with every mistake, or that it cannot be read */
    List<Rule> read() {
        try {
            lastRead = Files.readAllBytes(path);
            var mapper = path.toString().endsWith(".json") ? JSON : YAML;
            return rules(mapper.readTree(lastRead));
        } catch (JacksonException e) {
            var at = e.getLocation();
            var line = at == null ? "" : " at line " + at.getLineNr() + ", column " + at.getColumnNr();
            throw wrong(e.getOriginalMessage() + line);
        } catch (IOException e) {
            lastRead = new byte[0];
            lastChangedAt = null;
            throw wrong("cannot be read: " + e);
        }
    }

    private List<Rule> rules(JsonNode json) {
        json.fieldNames().forEachRemaining(field -> {
            if (!field.equals("rules")) throw wrong("\"" + field + "\" is not a field of it; the one field is rules");
        });
        if (!json.has("rules")) throw wrong("has no field rules, with the rules by name");
        return RuleJson.rules(json.get("rules"));
    }

    private RuleMistakes wrong(String sentence) {
        return new RuleMistakes(List.of(new Mistake(null, "", "sluice.access.rules-file " + path + ": " + sentence)));
    }
}
