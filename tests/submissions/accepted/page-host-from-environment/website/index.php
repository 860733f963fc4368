<?php ob_start(); ?>
<html>
<head><meta charset="utf-8"></head>
<body>
<form method="post"><button type="submit" name="submit" value="list">Students</button></form>
<?php
if (isset($_POST['submit'])) {
    $url = 'http://' . getenv('API_HOST') . ':' . getenv('API_PORT') . '/pozos/api/v1.0/get_student_ages';
    $header = 'Authorization: Basic ' . base64_encode(getenv('USERNAME') . ':' . getenv('PASSWORD'));
    $json = @file_get_contents($url, false, stream_context_create(['http' => ['header' => $header, 'timeout' => 3]]));
    $data = $json === false ? null : json_decode($json, true);
    if (!isset($data['student_ages'])) {
        http_response_code(502);
        echo '<p>No answer from the API</p>';
    } else {
        foreach ($data['student_ages'] as $name => $age) {
            echo '<p>' . htmlspecialchars("$name: $age") . '</p>';
        }
    }
}
?>
</body>
</html>
