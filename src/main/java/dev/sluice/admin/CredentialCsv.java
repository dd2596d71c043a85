package dev.sluice.admin;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.fasterxml.jackson.dataformat.csv.CsvMapper;
import com.fasterxml.jackson.dataformat.csv.CsvParser;
import com.fasterxml.jackson.dataformat.csv.CsvSchema;
import dev.sluice.access.credential.NewSecrets;
import dev.sluice.admin.CredentialRequest.Checks;
import dev.sluice.store.credential.StoredCredential.Settings;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads lines of CSV (RFC 4180) with credentials, and refuses them all if one is wrong. Any thread may use it. */
@Singleton
final class CredentialCsv {
    private static final Set<String> COLUMNS = Set.of(
            "username",
            "password",
            "hash",
            "scheme",
            "groups",
            "limits",
            "client_id_pattern",
            "valid_from",
            "valid_until",
            "disabled");
    private static final int UNPROCESSABLE = 422;
    private static final int MOST_MISTAKES = 100;

    private final NewSecrets secrets;
    private final CsvMapper mapper = CsvMapper.builder()
            .enable(CsvParser.Feature.TRIM_SPACES)
            .enable(CsvParser.Feature.SKIP_EMPTY_LINES)
            .enable(CsvParser.Feature.FAIL_ON_MISSING_COLUMNS)
            .build();

    CredentialCsv(NewSecrets secrets) {
        this.secrets = secrets;
    }

    /** One of them, which is right. */
    record Line(int number, String username, CredentialRequest.NewSecret secret, Settings settings) {}

    /** The secret of a line; hashes where it has a password. */
    NewSecret secret(Line line) {
        return NewSecret.of(line.secret, secrets, new Checks());
    }

    /** @throws Problem that names the first wrong lines */
    List<Line> read(byte[] body) {
        var lines = new ArrayList<Line>();
        var mistakes = new ArrayList<Problem.Mistake>();
        var seen = new HashSet<String>();
        var number = 1;
        try (MappingIterator<Map<String, String>> rows = mapper.readerFor(Map.class)
                .with(CsvSchema.emptySchema().withHeader())
                .readValues(body)) {
            while (rows.hasNext() && mistakes.size() < MOST_MISTAKES) {
                number++;
                var line = line(number, rows.next(), mistakes);
                if (!seen.add(line.username))
                    mistakes.add(mistake(number, "/username", line.username + " is there twice"));
                lines.add(line);
            }
        } catch (JacksonException wrong) {
            mistakes.add(mistake(number + 1, "", wrong.getOriginalMessage()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        if (lines.isEmpty() && mistakes.isEmpty()) mistakes.add(mistake(1, "", "there is no line below the heading"));
        if (!mistakes.isEmpty())
            throw Problem.of(UNPROCESSABLE, "lines of the import are wrong; nothing has changed", mistakes);
        return lines;
    }

    private Line line(int number, Map<String, String> row, List<Problem.Mistake> mistakes) {
        var checks = new Checks();
        for (var column : row.keySet())
            if (!COLUMNS.contains(column))
                checks.wrong(
                        "/" + column,
                        "is not a column of this; the columns are "
                                + String.join(", ", COLUMNS.stream().sorted().toList()));
        var given = new HashMap<String, String>();
        row.forEach((column, value) -> {
            if (value != null && !value.isEmpty()) given.put(column, value);
        });
        checks.username(given.get("username"));
        var secret = new CredentialRequest.NewSecret(given.get("password"), given.get("scheme"), given.get("hash"));
        NewSecret.check(secret, secrets, checks);
        var settings = checks.settings(new CredentialRequest.Body(
                given.get("client_id_pattern"),
                given.containsKey("groups") ? Arrays.asList(given.get("groups").split("[ ,;]+")) : List.of(),
                limits(given.get("limits")),
                given.get("valid_from"),
                given.get("valid_until"),
                disabled(given.get("disabled"), checks)));
        checks.mistakes().forEach(it -> mistakes.add(mistake(number, it.pointer(), it.detail())));
        return new Line(number, given.get("username"), secret, settings);
    }

    /** What is no number is found to be none later. */
    private static Map<String, JsonNode> limits(String text) {
        var limits = new HashMap<String, JsonNode>();
        if (text == null) return limits;
        for (var each : text.split("[ ,;]+")) {
            var parts = each.split("=", 2);
            var value = parts.length == 2 ? parts[1] : "";
            limits.put(
                    parts[0],
                    value.matches("[0-9]{1,18}") ? LongNode.valueOf(Long.parseLong(value)) : TextNode.valueOf(value));
        }
        return limits;
    }

    private static boolean disabled(String text, Checks checks) {
        if (text != null && !text.equals("true") && !text.equals("false"))
            checks.wrong("/disabled", "is not true or false");
        return "true".equals(text);
    }

    /** Its place is the number of the line, counting the heading, and the column. */
    private static Problem.Mistake mistake(int line, String pointer, String sentence) {
        return new Problem.Mistake("/" + line + pointer, null, sentence);
    }
}
