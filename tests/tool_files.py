"""Files as other tools write them, by their documentation: each has a PASS on frame 25 of the video m_a."""

_MARK = "001  001      V     C        00:00:01:00 00:00:01:01 00:00:01:00 00:00:01:01  \n"
_PREMIERE = "Marker Name\tDescription\tIn\tOut\tDuration\tMarker Type\t\n"
_VIA = "metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata\n"

TOOL_FILES = {
    "premiere_unnamed/m_a.csv": f"{_PREMIERE}\tPASS\t00:00:01:00\t00:00:02:00\t00:00:01:00\tComment\t\n",
    "premiere_drop/m_a.txt": f"\ufeff{_PREMIERE}PASS\t\t00;00;01;00\t00;00;01;00\t00;00;00;00\tComment\t\n",
    "boris_old.tsv": """\
Observation id\tobservation 1\t\t\t\t
\t\t\t\t\t
Media file(s)\t\t\t\t\t
Player #1\tx/m_a.mp4\t\t\t\t
Time offset (s)\t0.0\t\t\t\t
\t\t\t\t\t
Time\tMedia file path\tFPS\tSubject\tBehavior\tStatus
1.000\tx/m_a.mp4\t25.0\tRED\tPASS\tSTART
2.000\tx/m_a.mp4\t25.0\tRED\tPASS\tSTOP
""",
    "boris_source.csv": """\
Observation id,Source,Subject,Behavior,Behavior type,Time,Media file name
o,player #1:x/m_a.mp4,,PASS,POINT,1.000,
""",
    "project.boris": """
{"project_name": "x", "behaviors_conf": {"0": {"type": "State event", "code": "PASS"}}, "observations": {
    "obs 1": {"type": "MEDIA", "file": {"1": ["x/m_a.mp4"]}, "events": [[1.0, "RED", "PASS", "", ""],
                                                                       [2.5, "RED", "PASS", "", ""]]},
    "live": {"type": "LIVE", "file": [], "events": [[1.0, "", "PASS", "", ""]]}}}
""",
    "elan_one/m_a.txt": "events\t00:00:01.000\t00:00:01.040\t00:00:00.040\tPASS\n",
    "elan_smpte/m_a.txt": "events\tanna\t00:00:01:00\t00:00:01:01\tPASS\n",
    "elan_media/m_a.txt": "events\tanna\t00:00:01.000\t1000\t00:00:01.040\t1040\tPASS\tm_a.mp4\n",
    "via_options.csv": '# ATTRIBUTE = {"1":{"aname":"team","options":{"0":"RED"}},'
                       '"2":{"aname":"Action","options":{"0":"DRIVE","3":"PASS"}}}\n'
                       f'# CSV_HEADER = {_VIA}"1_a","[""m_a.mp4""]",0,"[1.0,1.5]","[]","{{""1"":""0"",""2"":""3""}}"\n',
    "via_old.csv": """\
# CSV_HEADER = metadata_id,file_list,temporal_segment_start,temporal_segment_end,metadata
"1_a","[""m_a.mp4""]",1.0,1.5,"{""1"":""PASS""}"
""",
    "studio_local.json": """
[{"data": {"video": "/data/local-files/?d=all/v%20x/m_a.mp4"}, "annotations": [{"result": [
    {"id": "a", "type": "timelinelabels", "value": {"ranges": [{"start": 26, "end": 30}], "timelinelabels": ["PASS"]}},
    {"id": "a", "type": "choices", "from_name": "team", "value": {"choices": ["RED"]}}]}]}]
""",
    "studio_min.json": """
[{"id": 1, "video": "s3://x/m_a.mp4?key=1", "events": [
    {"ranges": [{"start": 26, "end": 26}], "timelinelabels": ["PASS"]}]}]
""",
    "m_a/Labels-v3.json": """
{"GameMetadata": {"UrlLocal": "x/m_a"}, "replays": {}, "actions": {"0.png": {"bboxes": [], "imageMetadata": {
    "half": 1, "gameTime": "1 - 00:01", "position": "1000", "label": "PASS", "height": 1080, "width": 1920}}}}
""",
    "cvat.xml": """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version>
<meta><task><id>3</id><name>first half</name><mode>interpolation</mode><source>m_a.mp4</source></task></meta>
<track id="0" label="PASS" source="manual">
  <box frame="25" outside="0" occluded="0" keyframe="1" xtl="1"><attribute name="team">RED</attribute></box>
  <box frame="26" outside="1" occluded="0" keyframe="1" xtl="1"><attribute name="team">RED</attribute></box>
</track></annotations>
""",
    "cvat_tags.xml": """
<annotations><meta><job><source>m_a.mp4</source></job></meta>
<image id="25" name="frame_000025"><tag label="PASS" source="manual"/></image></annotations>
""",
    "m_a.edl": f"TITLE: x\nFCM: NON-DROP FRAME\n\n{_MARK} |C:ResolveColorBlue |M:PASS |D:1\n",
    "numbered/m_a.edl": f"TITLE: x\n\n{_MARK}PASS |C:ResolveColorRed |M:Marker 1 |D:5\n",
    "locators/m_a.edl": """\
TITLE: x
001  AX       V     C        00:00:10:00 00:00:20:00 00:00:00:00 00:00:10:00
* FROM CLIP NAME: match.mov
* LOC: 00:00:01:00 RED     PASS
""",
    "m_a.srt": "1\n00:00:01,000 --> 00:00:02,500\nPASS (RED) 92 %\n\n",
    "m_a.vtt": "WEBVTT\n\n00:01.000 --> 00:02.500\nPASS\n",
}
