package dev.sluice.access.secret;

import java.util.Arrays;
import java.util.regex.Pattern;
import org.bouncycastle.crypto.generators.OpenBSDBCrypt;

/** A password hashed by bcrypt, written as {@code $2b$<cost>$<salt and hash>}. Immutable. */
record Bcrypt(String text) implements Secret {
    static final String BEGINNING = "$2";
    /** bcrypt looks at no further byte. */
    static final int LONGEST = 72;

    private static final Pattern TEXT = Pattern.compile("\\$2[aby]\\$(\\d\\d)\\$[./A-Za-z0-9]{53}");
    private static final int LEAST_COST = 4;
    private static final int LARGEST_COST = 16;
    private static final int COST_END = 6;

    /** @param password at most 72 bytes */
    static Bcrypt of(byte[] password, byte[] salt, int cost) {
        if (password.length > LONGEST)
            throw new IllegalArgumentException(
                    "has " + password.length + " bytes; bcrypt looks at " + LONGEST + " only");
        return new Bcrypt(OpenBSDBCrypt.generate("2b", password, salt, cost));
    }

    static Bcrypt parse(String text) {
        var parts = Fields.match(TEXT, text, "$2b$<cost>$<salt and hash>");
        Fields.within("the cost", parts.group(1), LEAST_COST, LARGEST_COST);
        return new Bcrypt(text);
    }

    @Override
    public boolean matches(byte[] password) {
        var isWhole = password.length <= LONGEST;
        var looked = isWhole ? password : Arrays.copyOf(password, LONGEST);
        return OpenBSDBCrypt.checkPassword(text, looked) & isWhole;
    }

    @Override
    public String cost() {
        return "$2b" + text.substring(3, COST_END);
    }

    /** Without the hash. */
    @Override
    public String toString() {
        return cost();
    }
}
