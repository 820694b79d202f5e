package mocksts;

import java.util.concurrent.ThreadLocalRandom;

/** Numbers of people and organizations of the synthetic series, with right check digits. */
final class Synthetic {
    private static final int[] FIRST = {3, 7, 6, 1, 8, 9, 4, 5, 2};
    private static final int[] SECOND = {5, 4, 3, 2, 7, 6, 5, 4, 3, 2};
    private static final int[] ORGANIZATION = {3, 2, 7, 6, 5, 4, 3, 2};

    private Synthetic() {
    }

    /** A pid (month + 80) of a person born from 1950 to 1998. */
    static String pid() {
        ThreadLocalRandom random = ThreadLocalRandom.current();
        while (true) {
            String stem = String.format("%02d%02d%02d%03d",
                random.nextInt(1, 29), random.nextInt(1, 13) + 80, random.nextInt(50, 99), random.nextInt(500));
            String first = stem + modulus11(stem, FIRST);
            String pid = first + modulus11(first, SECOND);
            if (pid.length() == 11) {
                return pid;
            }
        }
    }

    /** An organization number that begins with 3. */
    static String organizationNumber() {
        while (true) {
            String stem = String.format("3%07d", ThreadLocalRandom.current().nextInt(10_000_000));
            String number = stem + modulus11(stem, ORGANIZATION);
            if (number.length() == 9) {
                return number;
            }
        }
    }

    /** The check digit; 10 where there is none. */
    private static int modulus11(String digits, int[] weights) {
        int sum = 0;
        for (int at = 0; at < weights.length; at += 1) {
            sum += weights[at] * (digits.charAt(at) - '0');
        }
        return sum % 11 == 0 ? 0 : 11 - sum % 11;
    }
}
